// A page with a chart, as somebody who uses Cube would write it.
import React from 'react';
import { createRoot } from 'react-dom/client';
import cube from '@cubejs-client/core';
import { CubeProvider, useCubeQuery } from '@cubejs-client/react';

const query = {
  measures: ['Sales.count'],
  dimensions: ['Sales.status'],
  timeDimensions: [{ dimension: 'Sales.createdAt', granularity: 'day', dateRange: ['2023-12-31', '2024-01-02'] }],
};

const Bars = ({ resultSet }) => {
  const series = resultSet.seriesNames();
  return (
    <svg width="300" height="100">
      {resultSet.chartPivot().flatMap((point, column) => series.map(({ key, title }, row) => (
        <rect
          key={`${point.x} ${key}`}
          x={column * 100 + row * 50}
          y={100 - point[key]}
          width="40"
          height={point[key]}
          data-x={point.x}
        >
          <title>{title}</title>
        </rect>
      )))}
    </svg>
  );
};

const Chart = () => {
  const { resultSet, error, isLoading } = useCubeQuery(query);
  if (error) return <p>{error.message}</p>;
  return isLoading || !resultSet ? <p>Loading</p> : <Bars resultSet={resultSet} />;
};

const Failing = () => {
  const { error } = useCubeQuery({ measures: ['Sales.nope'] });
  return <output>{error ? error.message : 'none'}</output>;
};

const { url, token } = window.settings;
createRoot(document.getElementById('root')).render(
  <CubeProvider cubeApi={cube(token, { apiUrl: url })}>
    <Chart />
    <Failing />
  </CubeProvider>
);
