import { qemuEngine } from '../../src/node/qemu.js';
import { handoverOf } from './handover.js';
import { printingPayload } from './payloads.js';

// Runs a machine that never ends, and shows its console: for tests that end this process.
await qemuEngine().run(
  handoverOf([0, printingPayload('running')]),
  (bytes) => {
    process.stdout.write(bytes);
  },
  new AbortController().signal,
);
