import { outbound } from './outbound.js';

const clock = { now: () => 0, timer: () => () => undefined };
const closed = outbound({ clock });
const local = outbound({ clock, allowHosts: ['127.0.0.1', 'localhost', '169.254.169.254'] });
afterAll(() => Promise.all([closed.close(), local.close()]));

it.each([
  'http://127.0.0.1/',
  'http://10.1.2.3/',
  'http://[::1]/',
  'http://[::ffff:8.8.8.8]/',
  'http://169.254.169.254/latest',
  'http://2130706433/',
  'http://localhost:3100/',
  'http://api.localhost./',
  'http://user:secret@example.com/',
  'file:///etc/passwd',
  'example.com',
])('%s is refused as it is written', (url) => {
  expect(() => closed.assertAllowed(url)).toThrow();
});

it('public names and addresses pass, and what is allowed for development, but never metadata', () => {
  for (const url of ['https://example.com/hook', 'http://8.8.8.8/']) closed.assertAllowed(url);
  for (const url of ['http://127.0.0.1:4021/', 'http://localhost:4021/']) local.assertAllowed(url);
  expect(() => local.assertAllowed('http://169.254.169.254/')).toThrow('not that of a public host');
});
