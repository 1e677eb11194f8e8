// A Jest reporter that ends a run with its ten slowest suites.
import { relative } from 'node:path';

export default class SlowestSuites {
  onRunComplete(_contexts, { testResults }) {
    if (testResults.length < 20) return;
    const suites = testResults
      .map(({ testFilePath, perfStats }) => ({
        path: relative(process.cwd(), testFilePath)
          .replace(/(^|\/)dist\//, '$1')
          .replace(/\.js$/, '.ts'),
        ms: perfStats.end - perfStats.start,
      }))
      .sort((a, b) => b.ms - a.ms)
      .slice(0, 10);
    const lines = suites.map(({ path, ms }) => `${(ms / 1000).toFixed(1).padStart(7)} s  ${path}`);
    process.stderr.write(`\nSlowest suites:\n${lines.join('\n')}\n`);
  }
}
