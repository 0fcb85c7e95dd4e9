import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type RequestAnnotation, REQUEST_ANNOTATIONS as ROWS } from './requests.ts';

test('values are read as Linkerd reads them, and what is none is none', () => {
  const cases: [RequestAnnotation<unknown>, Record<string, unknown>][] = [
    [ROWS.timeoutRequest, { '300ms': 300, '2d': 172_800_000, '0': 0, '1h30m': undefined, '1.5s': undefined }],
    [
      ROWS.retryHttp,
      {
        '5xx': [{ start: 500, end: 599 }],
        '404,500-503': [
          { start: 404, end: 404 },
          { start: 500, end: 503 },
        ],
        '503-500': undefined,
        '99': undefined,
      },
    ],
    [
      ROWS.retryGrpc,
      { 'unavailable,cancelled': ['cancelled', 'unavailable'], 'unavailable,late': undefined, '': undefined },
    ],
    [ROWS.retryLimit, { '3': 3, '-1': undefined, '1.5': undefined, ' ': undefined }],
    [ROWS.backends, { 'first-available': 'first-available', first: undefined }],
    [ROWS.faultDelayPercent, { '12.5': 12.5, '101': undefined }],
    [ROWS.loadBand, { '0.8,2': { low: 0.8, high: 2 }, '2,1': undefined, '1,2,3': undefined, '0,1': undefined }],
  ];
  for (const [row, values] of cases)
    for (const [text, value] of Object.entries(values)) assert.deepEqual(row.parse(text), value, `${row.key}: ${text}`);
});

test('each has a key of its own and says what it is', () => {
  const rows = Object.values(ROWS) as RequestAnnotation<unknown>[];
  assert.equal(new Set(rows.map(({ key }) => key)).size, rows.length);
  for (const { key, doc } of rows) assert.match(doc, /\.$/, key);
});
