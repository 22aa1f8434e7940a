/** What the hypervisor says on its own console. Its body has no strings, so the texts stand here, each at a label. */
import type { Assembler } from '../../arm/assembler.js';
import type { Label } from '../../arm/registers.js';

/** By the name that the body knows them under. */
export const TEXTS = {
  begin: 'hypberry: ',
  separator: ': ',
  end: '\r\n',
  cores: ' cores in HYP mode, host on core',
  fromZero: 's 0 to ',
  only: ' 0',
  started: 'started',
  off: 'powered off',
  restarts: 'restarts',
  crashed: 'crashed: ',
  vectors: 'no exception vectors',
  stuck: 'a fault at its own exception vector',
  trap: 'a trap of no known kind',
  mode: 'no valid mode',
  pc: ', pc ',
  address: ', address ',
  syndrome: ', syndrome ',
  thenRestarts: '; restarts',
  fault: 'fault in the hypervisor: ',
  resetVector: 'reset vector',
  undefined: 'Undefined Instruction',
  call: 'HVC',
  prefetchAbort: 'Prefetch Abort',
  dataAbort: 'Data Abort',
  coreStops: '; core ',
  stops: ' stops',
} as const;

/** Writes the texts, each with a NUL behind it, at the labels `text.NAME`. */
export function writeTexts(a: Assembler, labelOf: (symbol: string) => Label): void {
  for (const [name, text] of Object.entries(TEXTS)) {
    a.at(labelOf(`text.${name}`));
    a.bytes(new TextEncoder().encode(`${text}\0`));
  }
  a.org(Math.ceil(a.here / 4) * 4);
}
