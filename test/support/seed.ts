import fc from 'fast-check';

// Property tests run the same cases every time, unless FC_SEED says another seed, as `npm run test:long` does.
fc.configureGlobal({ seed: Number(process.env['FC_SEED'] ?? 2015) });
