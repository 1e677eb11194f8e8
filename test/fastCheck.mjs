// Property tests try the same cases in every run of `npm test`, so that a red run is red for everybody. `FC_SEED=random npm test` explores.
import fc from 'fast-check';

const { FC_SEED = '1' } = process.env;
if (FC_SEED !== 'random') fc.configureGlobal({ seed: Number(FC_SEED) });
