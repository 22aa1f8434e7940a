/** AssemblyScript's view of the intrinsics: a module of declarations, made from the tables they are defined in. */
import { bitPlace } from '../isa/bits.js';
import { hex } from '../base/words.js';
import { intrinsics, systemRegisterTable } from './intrinsics.js';
import type { Intrinsic } from './intrinsics.js';
import { ERRORS, OPEN_FLAGS } from './linux/constants.js';
import { SYSTEM_CALLS } from './linux/system-calls.js';

const HEADER = `/**
 * What AssemblyScript has no words for: each function here is a short sequence of instructions, done where it is
 * called, never merged, moved or left out. Made by scripts/intrinsics.ts; do not edit.
 */
`;

/** The name by which a function's type is written: addresses are usize, words unsigned. */
function typeOf(name: string, type: string): string {
  if (name === 'address') return 'usize';
  return type === 'i64' ? 'u64' : 'u32';
}

function declaration(
  module: string,
  imported: string,
  name: string,
  { type, names, doc }: Intrinsic,
): string[] {
  const params = type.params.map((it, i) => `${names[i]!}: ${typeOf(names[i]!, it)}`).join(', ');
  const [result] = type.results;
  return declared(module, imported, `${name}(${params}): ${result ? typeOf('', result) : 'void'}`, doc);
}

/** The declaration of an import, with its function as AssemblyScript writes it. */
const declared = (module: string, imported: string, text: string, doc: string): string[] => [
  `  /** ${doc} */`,
  `  // @external('${module}', '${imported}')`,
  `  export declare function ${text};`,
];

const namespace = (name: string, lines: readonly string[]): string =>
  [`export namespace ${name} {`, ...lines, '}', ''].join('\n');

const ofModule = (module: string, name = module): string =>
  namespace(
    name,
    [...intrinsics.get(module)!].flatMap(([imported, it]) => declaration(module, imported, imported, it)),
  );

/** What Linux has its programs read where it uses these timers: the virtual counter (CNTKCTL.PL0VCTEN). */
const COUNTER = 'CNTVCT';

/**
 * The registers that have `read NAME` and `write NAME` in a module, each a namespace with both and its bits.
 * @param only their names; default: all
 */
function registersOf(module: string, only?: readonly string[]): string[] {
  const names = new Map<string, [string, Intrinsic][]>();
  for (const [imported, it] of intrinsics.get(module)!) {
    const [verb, name] = imported.split(' ');
    if (name === undefined || (only && !only.includes(name))) continue;
    names.set(name, [...(names.get(name) ?? []), [verb!, it]]);
  }
  return [...names].map(([name, functions]) => {
    const lines = functions.flatMap(([verb, it]) => declaration(module, `${verb} ${name}`, verb, it));
    const register = module === 'sysreg' ? systemRegisterTable.get(name) : undefined;
    const type = register?.size === 64 ? 'u64' : 'u32';
    for (const [bit, place] of Object.entries(register?.bits ?? {})) {
      const { low, width } = bitPlace(place);
      if (width === 1) lines.push(`  export const ${bit}: ${type} = 1 << ${low};`);
      else {
        const mask = hex(2n ** BigInt(width) - 1n);
        lines.push(
          `  export const ${bit}_SHIFT: ${type} = ${low};`,
          `  export const ${bit}_MASK: ${type} = ${mask};`,
        );
      }
    }
    return namespace(name, lines);
  });
}

/**
 * The text of the AssemblyScript module: namespaces `mmio`, `shared`, `atomic`, `barrier`, `psr`, `word`, and one for
 * each system register and each register of another mode, with `read()` and `write(value)` where it can be, its
 * single bits as masks (`HCR.VM`), and of its fields the lowest bit and the mask before shifting (`HSR.EC_SHIFT`).
 */
export function intrinsicDeclarations(): string {
  const psr = namespace(
    'psr',
    [...intrinsics.get('psr')!]
      .filter(([imported]) => !imported.includes(' '))
      .flatMap(([imported, it]) => declaration('psr', imported, imported, it)),
  );
  return [
    HEADER,
    ...['mmio', 'shared', 'atomic', 'barrier', 'word'].map((it) => ofModule(it)),
    psr,
    ...registersOf('psr'),
    ...registersOf('sysreg'),
  ].join('\n');
}

const constants = (doc: string, all: Readonly<Record<string, number>>): string =>
  [
    `// ${doc}`,
    ...Object.entries(all).map(([name, value]) => `export const ${name}: i32 = ${hex(value)};`),
    '',
  ].join('\n');

/**
 * The text of the AssemblyScript module for programs of Linux: the namespaces `linux` with the system calls, `shared`,
 * `barrier` and `word` as above, `CNTVCT`, and constants of what system calls take and give.
 */
export function linuxDeclarations(): string {
  const calls = Object.entries(SYSTEM_CALLS).flatMap(([name, [, type, doc]]) =>
    declared('linux', name, `${name}${type}${type.endsWith(')') ? ': void' : ''}`, doc),
  );
  return [
    HEADER,
    namespace('linux', calls),
    ...['shared', 'barrier', 'word'].map((it) => ofModule(it)),
    ...registersOf('sysreg', [COUNTER]),
    constants('How files are opened.', OPEN_FLAGS),
    constants('Errors, negated in results.', ERRORS),
  ].join('\n');
}
