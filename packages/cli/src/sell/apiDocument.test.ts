import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readDocument, routesOf } from './apiDocument.js';

const folder = mkdtempSync(join(tmpdir(), 'agentpay-documents-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function written(name: string, text: string): string {
  const file = join(folder, name);
  writeFileSync(file, text);
  return file;
}

const yaml = `openapi: 3.1.0
info:
  title: Weather
  version: 2 # a number to YAML
servers: [{ url: https://weather.example }]
x-ok: &ok
  description: ok
paths:
  /weather/{city}:
    get:
      summary: >-
        Weather of
        a city
      responses:
        200: { <<: *ok, content: { text/event-stream: {} } }
  /health:
    get: { responses: { 200: *ok } }
`;
const ok = { description: 'ok' };
const json = {
  openapi: '3.1.0',
  info: { title: 'Weather', version: '2' },
  servers: [{ url: 'https://weather.example' }],
  'x-ok': ok,
  paths: {
    '/weather/{city}': {
      get: {
        summary: 'Weather of a city',
        responses: { 200: { ...ok, content: { 'text/event-stream': {} } } },
      },
    },
    '/health': { get: { responses: { 200: ok } } },
  },
};

describe('an OpenAPI document', () => {
  it('says the same in YAML and in JSON', async () => {
    const inYaml = await readDocument(written('openapi.yaml', yaml));
    expect(inYaml).toEqual(await readDocument(written('openapi.json', JSON.stringify(json))));
    expect(inYaml.server).toBe('https://weather.example');
    expect(routesOf(inYaml, { price: '$0.01', prices: { '/health': 'free' } })).toEqual({
      'GET /weather/:city': {
        description: 'Weather of a city',
        settle: 'before',
        mimeType: 'text/event-stream',
        price: '$0.01',
      },
      'GET /health': 'free',
      '/*': '$0.01',
    });
  });

  it.each([
    ['text', 'Hello', /is no OpenAPI 3 document/],
    ['YAML that is broken', 'openapi: 3.1.0\npaths: [', /is neither JSON nor YAML: .+ at line 2/],
    [
      'a key that is there twice',
      `${yaml}openapi: 3.0.0\n`,
      /neither JSON nor YAML: Map keys must be unique/,
    ],
    ['JSON that is broken', '{"openapi":"3.1.0",,}', /neither JSON nor YAML/],
    ['aliases that multiply', `${bomb(12)}openapi: 3.1.0\n`, /neither JSON nor YAML: Excessive alias count/],
    ['Swagger 2', 'swagger: "2.0"\npaths: {}', /no OpenAPI 3 document: openapi/],
    ['nothing for sale', yaml.replace(/paths:[^]*/, 'paths: {}\n'), /has no operations/],
  ])('is refused with one sentence when it is %s', async (_, text, why) => {
    const fault: unknown = await readDocument(written('wrong.yaml', text)).catch((cause: unknown) => cause);
    expect(fault).toMatchObject({ message: expect.stringMatching(why) });
    expect((fault as Error).message).not.toContain('\n');
  });
});

/** Each line names the one above it ten times. */
function bomb(lines: number): string {
  const line = (i: number) =>
    `a${i}: &a${i} [${i === 0 ? 'x' : Array.from({ length: 10 }, () => `*a${i - 1}`).join(', ')}]\n`;
  return Array.from({ length: lines }, (_, i) => line(i)).join('');
}
