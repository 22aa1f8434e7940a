/**
 * Whether the modules that generated.test.ts compares reach every case of the translator: V8 counts how often each
 * block of it ran.
 */
import { Session } from 'node:inspector/promises';
import { expect, test } from 'vitest';
import type { Assembler } from '../../src/isa/assembler.js';
import type { LabelOf } from '../../src/translate/translate.js';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** The parts in which a case left out would be code that was never compared. */
const PARTS = [
  ...['allocate', 'build', 'calls', 'emit', 'fold', 'frame', 'ir', 'layout', 'liveness', 'machine'],
  ...['optimise', 'runtime', 'select', 'switches', 'thread', 'wide'],
];

test('the generated modules reach every case of the translator', async () => {
  const session = new Session();
  session.connect();
  await session.post('Debugger.enable');
  await session.post('Profiler.enable');
  await session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });
  // Only what is loaded from here on is counted block by block.
  const { translate } = await import('../../src/translate/translate.js');
  const { compileAssemblyScript } = await import('../../scripts/lib/assemblyscript.js');
  const { LOAD_ADDRESS } = await import('../cpu/machines.js');
  const { generate } = await import('./generator.js');
  const { CODE_BYTES } = await import('./machines.js');
  const { numbers } = await import('./numbers.js');
  const symbols = {
    origin: LOAD_ADDRESS,
    after: (a: Assembler, labelOf: LabelOf) => {
      a.at(labelOf('park'), labelOf('vectors'));
      a.nop();
    },
  };
  for (const name of ['logic', 'intrinsics']) {
    const entry = `test/translate/samples/${name}.ts`;
    translate(await compileAssemblyScript({ entry, baseDir: root }), symbols);
  }
  for (const number of numbers) {
    const { wasm } = generate(number, LOAD_ADDRESS + CODE_BYTES, 32);
    translate(wasm, { origin: LOAD_ADDRESS });
  }
  const { result } = await session.post('Profiler.takePreciseCoverage');
  const missed: string[] = [];
  for (const part of PARTS) {
    const scripts = result.filter(({ url }) => url.includes(`/src/translate/${part}.ts`));
    expect(scripts.length, part).toBeGreaterThan(0);
    const script = scripts.at(-1)!;
    const { scriptSource } = await session.post('Debugger.getScriptSource', { scriptId: script.scriptId });
    for (const { ranges } of script.functions) {
      for (const { count, startOffset, endOffset } of ranges) {
        const text = scriptSource.slice(startOffset, endOffset).trim();
        // The loader's own lines are none of ours.
        const isLoaders = /^static\{__name\(this,"\w+"\)\}$/.test(text);
        if (count === 0 && !isLoaders && !/\bthrow\b/.test(text))
          missed.push(
            `${part}: ${scriptSource.slice(Math.max(0, startOffset - 80), startOffset)}>>>${text.slice(0, 80)}`,
          );
      }
    }
  }
  session.disconnect();
  expect(missed.join('\n---\n')).toBe('');
}, 120_000);
