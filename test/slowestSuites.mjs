// A Jest reporter that ends a run with its ten slowest suites.
import { sourceOf } from './sourceOf.mjs';

export default class SlowestSuites {
  onRunComplete(_contexts, { testResults }) {
    if (testResults.length < 20) return;
    const suites = testResults
      .map(({ testFilePath, perfStats }) => ({
        path: sourceOf(process.cwd(), testFilePath),
        ms: perfStats.end - perfStats.start,
      }))
      .sort((a, b) => b.ms - a.ms)
      .slice(0, 10);
    const lines = suites.map(({ path, ms }) => `${(ms / 1000).toFixed(1).padStart(7)} s  ${path}`);
    process.stderr.write(`\nSlowest suites:\n${lines.join('\n')}\n`);
  }
}
