import { root } from './sources.js';

interface Channel {
  onMessage(listener: (message: unknown) => void): void;
  postMessage(message: string): void;
}

interface Runner {
  readonly _testRunners: Map<object, { run(test: { path: string }): Promise<void> } | { pool: object }>;
  _runTest(test: { path: string; context: { config: object } }): Promise<void>;
}

it('every worker of Jest is told its settings once, also one that asks after another was told', async () => {
  const { default: LightRunner } = (await import(`${root}/test/lightRunner.mjs`)) as {
    default: new (globalConfig: object, context: object, options: object) => Runner;
  };
  const runner = new LightRunner({ maxWorkers: 2 }, {}, { runtime: 'child_process' });
  const config = {};
  const channels: Channel[] = [];
  const told: [string, unknown][] = [];
  const run = async (path: string, { channel }: { channel: Channel }) => {
    channel.onMessage((message) => void told.push([path, message]));
    channels.push(channel);
  };
  runner._testRunners.set(config, { pool: { run } });
  for (const path of ['a', 'b']) await runner._runTest({ path, context: { config } });
  for (const channel of channels) channel.postMessage('jest-light-runner-get-worker-data');
  const message = expect.objectContaining({ workerData: expect.objectContaining({ projectConfig: config }) });
  expect(told).toEqual([
    ['a', message],
    ['b', message],
  ]);
});
