import { systemRandom } from '@agentpay/primitives';
import { compose, createApp, createLogger, readConfig } from '@agentpay/server';

// An API process that does nothing but what it is asked for: no background work writes between the requests of a test.
const config = readConfig(process.env);
let url = '';
const composition = await compose(config, {
  log: createLogger('error'),
  baseUrl: () => config.publicBaseUrl ?? url,
  random: systemRandom,
});
const server = createApp(composition, config).listen(0, '127.0.0.1', () => {
  url = `http://127.0.0.1:${(server.address() as { port: number }).port}`;
  console.log(`bare API listens on ${url}`);
});
