import {
  anyone,
  decodeRequest,
  decodeResponse,
  encodeRequest,
  encodeResponse,
  endpoints,
  errorsOf,
  pathParams,
} from './index.js';
import { Endpoint } from './Endpoint.js';
import * as z from 'zod';

describe('endpoint definitions', () => {
  it('have unique ids and unique routes', () => {
    expect(endpoints.length).toBeGreaterThanOrEqual(18);
    expect(new Set(endpoints.map((endpoint) => endpoint.id)).size).toBe(endpoints.length);
    expect(new Set(endpoints.map((endpoint) => `${endpoint.method} ${endpoint.path}`)).size).toBe(
      endpoints.length,
    );
  });

  it('refuse a path whose parameters are not declared', () => {
    const wrong = () =>
      Endpoint.from({
        summary: 'x',
        method: 'GET',
        path: '/x/{id}',
        auth: anyone,
        response: z.object({}),
        status: 200,
        example: { response: {} },
      });
    expect(wrong).toThrow(TypeError);
  });

  describe.each(endpoints.map((endpoint) => [endpoint.id, endpoint] as const))('%s', (_, endpoint) => {
    const { example } = endpoint;

    it('reads its own example', () => {
      const wire = { params: example.params ?? {}, query: example.query ?? {}, body: example.body ?? {} };
      const request = decodeRequest(endpoint, wire);
      expect(Object.keys(request.params)).toEqual(pathParams(endpoint.path));
    });

    it('writes its example answer as documented, and nothing that is not declared', () => {
      const answer = decodeResponse(endpoint, example.response);
      // A document is open: all of it is what it says.
      const open = endpoint.response.def.catchall !== undefined;
      expect(encodeResponse(endpoint, open ? answer : { ...answer, undeclared: 'x' })).toEqual(
        example.response,
      );
    });

    it('names an error once', () => {
      expect(new Set(errorsOf(endpoint)).size).toBe(errorsOf(endpoint).length);
      expect(errorsOf(endpoint).includes('unauthorized')).toBe(
        endpoint.auth.length + endpoint.optionalAuth.length > 0,
      );
    });

    it('gives a client the wire form of its example', () => {
      const wire = { params: example.params ?? {}, query: example.query ?? {}, body: example.body ?? {} };
      const { path, body } = encodeRequest(endpoint, decodeRequest(endpoint, wire));
      expect(path.split('?')[0]).toBe(
        endpoint.path.replace(/\{(\w+)\}/g, (_match, name: string) => example.params?.[name] as string),
      );
      if (example.body) expect(body).toMatchObject(example.body);
      else expect(body ?? {}).toEqual(endpoint.id.endsWith('.verifyProvider') ? { verified: true } : {});
    });
  });
});
