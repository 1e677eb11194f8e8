import { clients, facilitators, gridText, playGrid, servers, type Cell } from './grid.js';
import { PRICE, startInteropStack, type InteropStack } from './stack.js';

describe('every client, server and facilitator', () => {
  let stack: InteropStack;
  let cells: readonly Cell[];
  let spent: bigint;
  beforeAll(async () => {
    stack = await startInteropStack();
    const before = await stack.usdc(stack.buyer.address);
    cells = await playGrid(stack);
    spent = before - (await stack.usdc(stack.buyer.address));
  });
  afterAll(() => stack?.close());

  const combinations = facilitators.flatMap((facilitator) =>
    servers.flatMap((server) =>
      clients.map((client) => ({ client: client.name, server: server.name, facilitator: facilitator.name })),
    ),
  );

  it.each(combinations)(
    '$client buys from $server by $facilitator, unless they share no dialect',
    (combination) => {
      const cell = cells.find((one) =>
        Object.entries(combination).every(([part, name]) => one[part as keyof Cell] === name),
      );
      const client = clients.find(({ name }) => name === combination.client);
      const server = servers.find(({ name }) => name === combination.server);
      const possible = client?.speaks.some((dialect) => server?.offers.includes(dialect));
      expect([cell?.result, cell?.result === 'failed' ? cell.reason : '']).toEqual([
        possible ? 'sold' : 'impossible',
        '',
      ]);
    },
  );

  it('moves the price once for each purchase and nothing else', () => {
    const sold = cells.filter(({ result }) => result === 'sold').length;
    expect(sold).toBeGreaterThan(100);
    expect(spent).toBe(BigInt(sold) * PRICE);
  });

  it('can be printed as tables, with the reason for what is impossible', () => {
    const text = gridText(cells);
    expect(text).toMatch(/^\| mppx, MPP +\| +sold \|( +impossible \|){4} +sold \|$/m);
    expect(text).toContain('x402-fetch > @x402/express: the client speaks x402 v1, the server x402 v2');
  });
});
