import fc from 'fast-check';
import { compileRoutes } from './routes.js';

const priced = (cents: number) => ({ terms: { amount: BigInt(cents) } });
const table = compileRoutes<ReturnType<typeof priced>>([
  ['GET /weather', priced(1)],
  ['POST /weather', 'free'],
  ['/reports/*', priced(5)],
  ['/reports/index', 'free'],
  ['GET /items/:id', priced(2)],
  ['/items/:id/photos/:photo', priced(3)],
  ['/café', priced(4)],
]);
const cost = (method: string, ...targets: string[]) => {
  const match = table(method, targets);
  return match.kind === 'priced' ? Number(match.price.terms.amount) : match.kind;
};

describe('the route table charges for', () => {
  it.each([
    ['GET', '/weather', 1],
    ['HEAD', '/weather', 1],
    ['GET', '/weather/', 1],
    ['GET', '/WEATHER', 1],
    ['GET', '/weather?x=/free', 1],
    ['GET', '/weather#x', 1],
    ['GET', '/w%65ather', 1],
    ['GET', '/%77%65%61%74%68%65%72', 1],
    ['GET', '/%2577eather', 1],
    ['GET', '//weather', 1],
    ['GET', '/.//weather', 1],
    ['GET', '/x/../weather', 1],
    ['GET', '/x/%2e%2e/weather', 1],
    ['GET', '\\weather', 1],
    ['GET', '/%5Cweather', 1],
    ['GET', '//example.org/weather', 1],
    ['GET', 'http://example.org/weather', 1],
    ['GET', 'HTTPS://example.org:8443/weather?x', 1],
    ['GET', '/items/1', 2],
    ['GET', '/items/abc%', 2],
    ['GET', '/items/%c0', 2],
    ['GET', '/items/%zz%1', 2],
    ['GET', '/items/a%2Fb', 2],
    ['GET', '/items/a%2fb', 2],
    ['GET', '/items/a%5Cb', 2],
    ['GET', '/items/a\\b', 2],
    ['GET', '/items/a\u2028b', 2],
    ['GET', '/items/a%0Ab', 2],
    ['DELETE', '/items/1/photos/2/', 3],
    ['GET', '/reports', 5],
    ['GET', '/reports/', 5],
    ['PUT', '/reports/a/b/c', 5],
    ['GET', '/reports/%E2%80%A8', 5],
    ['GET', '/reports/a%0a', 5],
    ['GET', '/reports%2Fa', 5],
    ['GET', '/reports/%', 5],
    ['GET', '/caf%C3%A9', 4],
    ['GET', '/café', 4],
  ])('%s %s', (method, target, price) => {
    expect(cost(method, target)).toBe(price);
  });

  it('a path seen under a mount, with or without the prefix', () => {
    expect(cost('GET', '/api/weather', '/weather')).toBe(1);
    expect(cost('GET', '/weather', '/')).toBe(1);
  });

  it('the dearer of two readings', () => {
    expect(cost('GET', '/items/..%2freports')).toBe(5);
  });

  it('any spelling of a priced path that decodes to it', () => {
    const spelt = fc
      .array(fc.constantFrom('plain', 'upper', 'escaped', 'lower escape'), { minLength: 8, maxLength: 8 })
      .map((styles) =>
        [...'/weather']
          .map((char, index) => {
            const escape = `%${char.charCodeAt(0).toString(16)}`;
            const style = index === 0 ? 'plain' : styles[index];
            return style === 'plain'
              ? char
              : style === 'upper'
                ? char.toUpperCase()
                : style === 'escaped'
                  ? escape.toUpperCase()
                  : escape;
          })
          .join(''),
      );
    fc.assert(
      fc.property(spelt, (target) => cost('GET', target) === 1),
      { numRuns: 300 },
    );
  });
});

describe('the route table lets pass', () => {
  it.each([
    ['OPTIONS', '/'],
    ['OPTIONS', '/reports/index'],
    ['GET', '/'],
    ['GET', '/weather2'],
    ['GET', '/weatherx/weather'],
    ['POST', '/weather'],
    ['GET', '/reports/index'],
    ['GET', '/items'],
    ['GET', '/reportsx'],
    ['GET', '*'],
  ])('%s %s', (method, target) => {
    expect(cost(method, target)).toBe('free');
  });

  it('nothing that can be read as priced, though another reading is free', () => {
    expect(cost('GET', '/reports/x/..%2findex')).toBe(5);
  });
});

describe('the route table', () => {
  it('refuses methods under which a priced path is not offered, and names those that are', () => {
    expect(table('DELETE', ['/weather'])).toEqual({
      kind: 'method_not_priced',
      allow: ['GET', 'HEAD', 'OPTIONS', 'POST'],
    });
  });

  it('keeps OPTIONS from what costs something, and says what else is offered', () => {
    expect(table('OPTIONS', ['/weather'])).toEqual({
      kind: 'method_not_priced',
      allow: ['GET', 'HEAD', 'OPTIONS', 'POST'],
    });
    const any = ['DELETE', 'GET', 'HEAD', 'OPTIONS', 'PATCH', 'POST', 'PUT'];
    expect(table('OPTIONS', ['/reports/a'])).toEqual({ kind: 'method_not_priced', allow: any });
    expect(
      compileRoutes([
        ['GET /a', priced(1)],
        ['OPTIONS /a', 'free'],
      ])('OPTIONS', ['/a']),
    ).toEqual({ kind: 'free' });
  });

  it('never throws, whatever the target', () => {
    const target = fc.string({ unit: 'binary', maxLength: 60 });
    fc.assert(
      fc.property(target, (text) => void cost('GET', text, `/${text}`)),
      { numRuns: 300 },
    );
  });

  it.each(['weather', 'get /weather', 'GET weather', '/a/*/b', '/a?b', ''])(
    'does not take the pattern "%s"',
    (pattern) => {
      expect(() => compileRoutes([[pattern, 'free']])).toThrow(TypeError);
    },
  );
});

describe('the route table refuses at start', () => {
  it.each([
    ['GET /items/[id]', 'GET /items/:id'],
    ['/docs/[...slug]', '/docs/*'],
    ['/docs/[[...slug]]', '/docs/*'],
    ['/two/**', '/two/*'],
    ['/q/{id}', '/q/:id'],
    ['/q/{id}/photos/{photo}', '/q/:id/photos/:photo'],
    ['/q/{*rest}', '/q/*'],
    ['/files/*path', '/files/*'],
    ['/files/:path*', '/files/*'],
    ['/files/:path+', '/files/*'],
    ['/files/(.*)', '/files/*'],
    ['/users/<id>', '/users/:id'],
    ['/users/<int:id>', '/users/:id'],
    ['/users/<path:rest>', '/users/*'],
    ['/users/:id(\\d+)', '/users/:id'],
    ['/users/:id?', '/users/:id'],
    ['get /weather', 'GET /weather'],
    ['https://shop.example/weather', '/weather'],
    ['GET https://shop.example/weather?x=1', 'GET /weather'],
    ['weather', '/weather'],
  ])('"%s", and names "%s"', (key, meant) => {
    const compile = () => compileRoutes([[key, priced(1)]]);
    expect(compile).toThrow(TypeError);
    expect(compile).toThrow(`Did you mean "${meant}"?`);
  });

  it.each(['GTE /weather', '/a/*/b', '/a*', '/a|b', ''])('"%s"', (key) => {
    expect(() => compileRoutes([[key, priced(1)]])).toThrow(TypeError);
  });

  it('an entry that stands there twice', () => {
    const twice = (a: string, b: string) => () =>
      compileRoutes([
        [a, priced(1)],
        [b, priced(2)],
      ]);
    expect(twice('GET /weather', 'GET /Weather/')).toThrow(/same requests/);
    expect(twice('/items/:id', '/items/:name')).toThrow(/same requests/);
    expect(twice('/items/:id', 'GET /items/:id')).not.toThrow();
  });
});
