/** Refuses what must not be in a program for the bare machine, with the name of the function that has it. */
import { HypberryError } from '../base/errors.js';
import { hex } from '../base/words.js';
import { intrinsicOf } from './intrinsics.js';
import type { Graph } from './ir.js';
import type { Module, Operation, Signature } from '../wasm/module.js';

/** A range of addresses, the end not in it. */
export interface AddressRange {
  readonly from: number;
  readonly to: number;
}

function refuse(code: string, where: string, what: string, hint: string): never {
  throw new HypberryError(`translate.${code}`, `${where} ${what}`, hint);
}

const sameType = (a: Signature, b: Signature): boolean =>
  a.params.join() === b.params.join() && a.results.join() === b.results.join();

const REFUSED: Readonly<Record<string, readonly [code: string, what: string, hint: string]>> = {
  'memory.grow': [
    'grow',
    'grows the memory',
    'Allocate nothing: no new, no strings, no growing arrays; the memory is the machine as it is.',
  ],
  'memory.size': ['size', 'asks how large the memory is', 'Say it with a constant.'],
  call_indirect: [
    'indirect',
    'calls a function by its number',
    'Call functions by name, chosen by if or switch; no function values, no virtual methods.',
  ],
  'global.set': [
    'global',
    'changes a global variable',
    'Keep what changes in memory, at an address of its own; only constants can be global.',
  ],
};

function checkOperation(module: Module, where: string, { name, index }: Operation): void {
  const refused = REFUSED[name];
  if (refused) refuse(refused[0], where, refused[1], refused[2]);
  if (name === 'global.get' && module.globals[index!]?.mutable !== false)
    refuse('global', where, 'reads a global variable that can change', REFUSED['global.set']![2]);
}

/**
 * Refuses a module that has a table, a start function, an import that is neither intrinsic nor symbol, more than one
 * result, or an operator that makes no sense on the bare machine.
 * @throws HypberryError `translate.table`, `.start`, `.import`, `.results`, `.grow`, `.size`, `.indirect`, `.global`
 */
export function checkModule(module: Module): void {
  if (module.hasTable)
    refuse(
      'table',
      'the module',
      'has a table of functions',
      'Use no function values and no virtual methods.',
    );
  if (module.hasStart)
    refuse('start', 'the module', 'has code that runs by itself', 'Give globals constant values only.');
  for (const { module: from, name, type } of module.imports) {
    if (type.results.length > 1) refuse('results', name, 'has several results', 'Return one value.');
    if (from === 'assembly') continue;
    if (from === 'address') {
      if (!sameType(type, { params: [], results: ['i32'] }))
        refuse('import', `the address ${name}`, 'is declared with another type', 'Declare it as (): usize.');
      continue;
    }
    const intrinsic = intrinsicOf(from, name);
    if (!intrinsic) {
      const hint = 'Use what the declarations of the intrinsics have; take what needs a runtime out.';
      refuse('import', `the import ${from}.${name}`, 'is no intrinsic', hint);
    }
    if (!sameType(intrinsic.type, type))
      refuse(
        'import',
        `the import ${from}.${name}`,
        'is declared with another type',
        'Take the declarations as they are made.',
      );
  }
  for (const { name, type, code } of module.functions) {
    if (type.results.length > 1) refuse('results', name, 'has several results', 'Return one value.');
    for (const operation of code) checkOperation(module, name, operation);
  }
}

/**
 * Refuses plain loads and stores at constant addresses of devices: they could be merged, moved or left out, by the
 * compiler before this one already.
 * @throws HypberryError `translate.device`
 */
export function checkAccesses(graph: Graph, devices: readonly AddressRange[]): void {
  for (const { body } of graph.blocks) {
    for (const { op, args, imm } of body) {
      const [base] = args;
      if (!(op.startsWith('load') || op.startsWith('store')) || base?.op !== 'const') continue;
      const address = (base.imm + imm) >>> 0;
      if (devices.some(({ from, to }) => address >= from && address < to)) {
        refuse(
          'device',
          graph.name,
          `${op.startsWith('load') ? 'reads' : 'writes'} the device at ${hex(address)} as if it were memory`,
          'Use the intrinsics of mmio.',
        );
      }
    }
  }
}
