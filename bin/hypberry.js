#!/usr/bin/env node
/** The command as npm links it. Its mode is kept here: what is built anew has none. */
import { existsSync } from 'node:fs';

const program = new URL('../dist/hypberry.js', import.meta.url);
if (existsSync(program)) await import(program.href);
else {
  process.stderr.write(
    'error: This checkout of hypberry is not built (package.not-built)\n' +
      'hint:  Run "npm install && npm run build" in it, once and after each change.\n',
  );
  process.exitCode = 2;
}
