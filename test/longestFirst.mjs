// The order of the suites: the longest first, so that all workers are busy to the end. Jest knows how long a suite took in the last run on
// this machine; where there was none, longSuites.json says which are long.
import { readFileSync } from 'node:fs';
import Sequencer from '@jest/test-sequencer';
import { sourceOf } from './sourceOf.mjs';

const secondsOf = JSON.parse(readFileSync(new URL('longSuites.json', import.meta.url), 'utf8'));
/** What a suite takes of which nothing is known; most take less. */
const SHORT_SECONDS = 3;

export default class LongestFirst extends Sequencer {
  time(test) {
    const source = sourceOf(test.context.config.rootDir, test.path);
    return super.time(test) ?? 1000 * (secondsOf[source] ?? SHORT_SECONDS);
  }
}
