/** `npm run interop`: every client buys from every server by every facilitator on a local chain; prints what was sold, and why not. */
import { gridText, playGrid } from './grid.js';
import { startInteropStack } from './stack.js';

const stack = await startInteropStack();
try {
  const cells = await playGrid(stack);
  console.log(gridText(cells));
  if (cells.some(({ result }) => result === 'failed')) process.exitCode = 1;
} finally {
  await stack.close();
}
