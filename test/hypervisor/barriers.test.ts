/**
 * Barriers that no machine of ours needs, and the architecture wants: they are looked for in the words of the image,
 * in the order in which they stand. Of some between accesses to devices and between cores the models tell.
 */
import { expect, test } from 'vitest';
import { readU32LE } from '../../src/base/bytes.js';
import { decodeA32 } from '../../src/isa/decoder.js';
import type { Fields } from '../../src/isa/pattern.js';
import * as reg from '../../src/isa/system-registers.js';
import { guest, quietHost, smallImage } from './payloads.js';

/** What an instruction is here. */
interface Instruction {
  readonly at: number;
  readonly operation: string;
  readonly writes: string | undefined;
  readonly reads: string | undefined;
  /** Where a branch leads to. */
  readonly target: number | undefined;
}

interface Routine {
  readonly name: string;
  readonly code: readonly Instruction[];
}

const image = smallImage(quietHost, [guest(new Uint8Array(32))]);
const { symbols, image: bytes } = image.hypervisor;
const codeEnd = symbols.get('zeroFrom')!;
const places = [...symbols].map(([name, at]) => ({ name, at })).sort((one, other) => one.at - other.at);

/** The system register of a coprocessor access; undefined for one that is not in the table. */
function registerOf(operation: string, f: Fields): string | undefined {
  if (!/^MCRR?$|^MRRC?$|^MRC$/.test(operation)) return undefined;
  const wide = operation.endsWith('RR') || operation === 'MRRC';
  return Object.values(reg).find(
    (it) =>
      typeof it === 'object' &&
      'CRm' in it &&
      (it.size === 64) === wide &&
      f['coproc'] === 15 &&
      it.CRm === f['CRm'] &&
      it.opc1 === f['opc1'] &&
      (wide || !('CRn' in it) || (it.CRn === f['CRn'] && it.opc2 === f['opc2'])),
  )?.name;
}

function instructionAt(at: number): Instruction {
  const word = readU32LE(bytes, at - symbols.get('vectors')!);
  const decoded = decodeA32(word);
  const operation = decoded?.encoding.operation ?? 'none';
  const fields: Fields = decoded?.fields ?? {};
  const register = registerOf(operation, fields);
  const isBranch = operation === 'B' || operation === 'BL_imm';
  return {
    at,
    operation,
    writes: /^MCR/.test(operation) ? register : undefined,
    reads: /^MR[RC]/.test(operation) ? register : undefined,
    target: isBranch ? (at + 8 + ((fields['imm24']! << 8) >> 6)) >>> 0 : undefined,
  };
}

const routines: readonly Routine[] = places.flatMap(({ name, at }, i) => {
  const end = Math.min(places[i + 1]?.at ?? codeEnd, codeEnd);
  if (at < symbols.get('vectors')! || at >= codeEnd || /^text\.|^command\.|^word\./.test(name)) return [];
  return [{ name, code: Array.from({ length: (end - at) / 4 }, (_, n) => instructionAt(at + 4 * n)) }];
});

const isTranslations = (name = ''): boolean => name.startsWith('TLBI');
const isInstructions = (name = ''): boolean => /^(?:ICI|BPI)/.test(name);
const isData = (name = ''): boolean => /^DC/.test(name);
const isStore = (operation: string): boolean => /^(?:STR|STM)/.test(operation);
/** Another routine, or whoever called this one, goes on. */
const isLeft = ({ operation, target }: Instruction, { code }: Routine): boolean =>
  operation === 'ERET' ||
  operation === 'BX' ||
  operation === 'BL_imm' ||
  /^LDM/.test(operation) ||
  (target !== undefined && (target < code[0]!.at || target > code.at(-1)!.at));

/** What a rule says of the image: where a barrier is missing, and how many are wanted. */
interface Found {
  readonly missing: readonly string[];
  readonly wanted: number;
}
type Rule = (routines: readonly Routine[]) => Found;

/**
 * A barrier stands behind each of some instructions, before others.
 * @param begins which instructions want one
 * @param barrier its operation
 * @param before before which instructions
 */
const behind =
  (
    begins: (it: Instruction) => boolean,
    barrier: 'DSB' | 'ISB',
    before: (it: Instruction, routine: Routine) => boolean,
  ): Rule =>
  (all) => {
    const missing: string[] = [];
    let wanted = 0;
    for (const routine of all) {
      routine.code.forEach((first, n) => {
        if (!begins(first)) return;
        wanted++;
        const rest = routine.code.slice(n + 1);
        const end = rest.findIndex((it) => it.operation === barrier || before(it, routine));
        if (rest[end]?.operation !== barrier) missing.push(`${routine.name}: ${first.at.toString(16)}`);
      });
    }
    return { missing, wanted };
  };

const routineOf = (all: readonly Routine[], name: string): readonly Instruction[] =>
  all.find((it) => it.name === name || it.name.endsWith(`/${name}`))!.code;
/** One place, at which something is so or not. */
const at = (place: string, isSo: boolean): Found => ({ missing: isSo ? [] : [place], wanted: 1 });

/** Operations on translations and instructions, after which this core has to begin anew. */
const renews = ({ writes }: Instruction): boolean => isTranslations(writes) || isInstructions(writes);

const RULES: Readonly<Record<string, Rule>> = {
  'maintenance has come to its end before anything hangs on it (DDI 0406C B2.2.9, B3.10.1)': behind(
    (it) => renews(it) || isData(it.writes),
    'DSB',
    (it, routine) => it.operation === 'ISB' || it.writes === 'VTTBR' || isLeft(it, routine),
  ),
  'this core goes on with what it has then (A3.8.3, B3.10.1)': (all) => {
    const next = all.flatMap(({ name, code }) =>
      code.flatMap((it, n) => {
        if (!renews(it)) return [];
        const end = n + 1 + code.slice(n + 1).findIndex(({ operation }) => operation === 'DSB');
        const { operation, writes } = code[end + 1]!;
        // The VMID that it was for may go first.
        return [operation === 'ISB' || writes === 'VTTBR' ? '' : `${name}: ${it.at.toString(16)}`];
      }),
    );
    return { missing: next.filter((it) => it !== ''), wanted: next.length };
  },
  'an event is sent when what it is for is seen (A3.8.3)': (all) => {
    const sent = all.flatMap(({ name, code }) =>
      code.flatMap(({ operation }, n) =>
        operation === 'SEV' && !name.endsWith(OWN_EVENT) ? [code[n - 1]!.operation] : [],
      ),
    );
    return { missing: sent.filter((it) => it !== 'DSB'), wanted: sent.length };
  },
  'descriptors are cleaned before translations go (B3.10.1)': behind(
    ({ writes }) => writes === 'DCCMVAC',
    'DSB',
    ({ writes }) => isTranslations(writes),
  ),
  'a window’s descriptor is in memory before its translation goes (B3.10.1)': (all) => {
    const before = all.flatMap(({ code }) =>
      code.flatMap(({ writes }, n) => (writes === 'TLBIMVAHIS' ? [code[n - 1]!.operation] : [])),
    );
    return { missing: before.filter((it) => it !== 'DSB'), wanted: before.length };
  },
  'a window is there before it is used (B3.10.1)': (all) => {
    const code = routineOf(all, 'loadPiece');
    const use = code.findIndex(({ target }) => target === routineOf(all, 'toMemory')[0]!.at);
    const change = code.slice(0, use).findLastIndex(({ operation }) => isStore(operation));
    const between = code.slice(change, use).map(({ operation }) => operation);
    const [dsb, isb] = [between.indexOf('DSB'), between.indexOf('ISB')];
    return at('loadPiece', dsb >= 0 && isb > dsb);
  },
  'what was written through it is in memory before it goes (A3.8.3)': (all) => {
    const code = routineOf(all, 'loadPiece');
    const end = code.findIndex(({ writes }) => writes === 'TLBIMVAHIS');
    const change = code.slice(0, end).findLastIndex(({ operation }) => isStore(operation));
    const wrote = code
      .slice(0, change)
      .findLastIndex(({ operation }) => isStore(operation) || operation === 'BL_imm');
    // Not that of an unlocked lock, which is for the other cores.
    const isItsOwn = ({ operation }: Instruction, n: number): boolean =>
      operation === 'DSB' && code[wrote + n + 1]!.operation !== 'SEV';
    return at('loadPiece', code.slice(wrote, change).some(isItsOwn));
  },
  'a guest’s memory is mapped when it is used, and unmapped when its translations go (B3.10.1)': behind(
    ({ operation }) => operation === 'STRD_imm' || operation === 'STRD_reg',
    'DSB',
    (it, routine) => it.operation === 'ISB' || isTranslations(it.writes) || isLeft(it, routine),
  ),
  'and by this core, too (A3.8.3)': (all) => {
    const makers = all.filter(
      ({ code }) =>
        code.some(({ operation }) => operation.startsWith('STRD')) &&
        !code.some(({ writes }) => isTranslations(writes)),
    );
    const missing = makers.filter(({ code }) => {
      const dsb = code.findLastIndex(({ operation }) => operation === 'DSB');
      return code[dsb + 1]?.operation !== 'ISB';
    });
    return { missing: missing.map(({ name }) => name), wanted: makers.length };
  },
  'the cache’s size is that of the one that was selected (B4.1.41)': behind(
    ({ writes }) => writes === 'CSSELR',
    'ISB',
    ({ reads }) => reads === 'CCSIDR',
  ),
  'HYP mode’s MMU and caches are on before anything else (B3.15.5)': behind(
    ({ writes }) => writes === 'HSCTLR',
    'ISB',
    () => true,
  ),
  'another machine’s translations count before what is for its VMID, and before it goes on (B3.15.5)': behind(
    ({ writes }) => writes === 'VTTBR',
    'ISB',
    (it, routine) => renews(it) || isLeft(it, routine),
  ),
  'PAR is read when the translation is done (B3.15.5)': behind(
    ({ writes }) => writes === 'ATS12NSOPR',
    'ISB',
    ({ reads }) => reads === 'PAR',
  ),
  'VFP is reached only when HCPTR counts (B1.11.3)': (all) => {
    const users = ['saveVfp', 'loadVfp', 'unparkVfp'].map((name) => routineOf(all, name)[0]!.at);
    let wanted = 0;
    const missing = all.flatMap(({ name, code }) =>
      code.flatMap((it, n) => {
        if (it.target === undefined || !users.includes(it.target)) return [];
        wanted++;
        const before = code.slice(0, n);
        const change = before.findLastIndex(({ writes }) => writes === 'HCPTR');
        return before.slice(change).some(({ operation }) => operation === 'ISB') ? [] : [`${name}: ${n}`];
      }),
    );
    return { missing, wanted };
  },
  'and FPEXC (B1.11.3)': (all) => {
    const enabled = ['loadVfp', 'parkVfp'].map((name) =>
      routineOf(all, name).map(({ operation }) => operation),
    );
    return {
      missing: enabled.flatMap((it) => (it[it.indexOf('VMSR') + 1] === 'ISB' ? [] : [it.join()])),
      wanted: enabled.length,
    };
  },
  'of two clocks in one line each is read in its turn (A3.8.3, BCM2835 ARM Peripherals 1.3)': (all) => {
    const code = routineOf(all, 'printState');
    const count = code.findIndex(({ reads }) => reads === 'CNTPCT');
    const load = code.slice(0, count).findLastIndex(({ operation }) => operation.startsWith('LDR'));
    const between = code.slice(load + 1, count).map(({ operation }) => operation);
    const before = code.slice(0, load).findLastIndex(({ operation }) => operation === 'BL_imm');
    return {
      missing: [
        ...(between.includes('DSB') ? [] : ['behind the system timer']),
        ...(code.slice(before, load).some(({ operation }) => operation === 'DSB')
          ? []
          : ['before the system timer']),
      ],
      wanted: 2,
    };
  },
  'what a CPU wrote is in memory before its machine is made anew, by another core maybe (A3.8.3)': (all) => {
    const code = routineOf(all, 'stopVcpu').map(({ operation }) => operation);
    const dsb = code.indexOf('DSB');
    return at('stopVcpu', dsb >= 0 && dsb < code.indexOf('LDREX'));
  },
  'the count is not read ahead of time (B8.1.1)': (all) => {
    const reads = all.flatMap(({ name, code }) =>
      code.flatMap((it, n) =>
        it.reads === 'CNTPCT' && !EARLY_COUNTS.some((early) => name.endsWith(early))
          ? [code[n - 1]!.operation === 'ISB' ? '' : `${name}: ${it.at.toString(16)}`]
          : [],
      ),
    );
    return { missing: reads.filter((it) => it !== ''), wanted: reads.length };
  },
};
/** Where a core sends itself one, for nothing that it has written. */
const OWN_EVENT = '/schedule';
/** Where a count that was read a little early is as good. */
const EARLY_COUNTS = ['beginCore', '/makeAll', '/startMachine', '/loadPiece', '/putRandom'];

test.each(Object.entries(RULES))('%s', (_, rule) => {
  const { missing, wanted } = rule(routines);
  expect(missing).toEqual([]);
  expect(wanted).toBeGreaterThan(0);
});

/**
 * Those that no rule here wants. Some the models want, between peripherals and before a doorbell (mutations.test.ts has
 * which); an abort that comes late is silicon.test.ts's. Some nothing is seen to want: in `fiq` those behind its mailbox
 * and before FIQ_SOURCE is read, in `takeInterrupts`, `beginCore` and the first ones of a core they stand by the manual alone.
 */
const NO_RULE: readonly string[] = [
  ...['takeAborts DSB', 'takeAborts ISB'],
  ...['requestAll DSB', 'notify DSB', 'notify DSB', 'startMachine DSB', 'trap DSB'],
  ...['updateInjectionOn DSB', 'nearLineChanged DSB', 'nearLineChanged DSB', 'writeLocal DSB'],
  // Of a doorbell: at its beginning, and before it has other cores look.
  ...['printState DSB', 'lookAtHost DSB', 'lookAtHost DSB', 'trap DSB'],
  ...['writeChannels DSB', 'writeChannels DSB', 'writeChannels DSB'],
  ...[
    'pendingInterrupts DSB',
    'pendingInterrupts DSB',
    'fiq DSB',
    'fiq DSB',
    'fiq DSB',
    'trap DSB',
    'takeInterrupts DSB',
  ],
  // Before and behind the system timer, twice.
  ...['prepare DSB', 'prepare DSB', 'prepare DSB', 'prepare DSB'],
  // The counter's rate, then the cores' mailboxes; a core of the host's, its mailbox.
  ...['makeAll DSB', 'makeAll DSB', 'beginCore DSB'],
];

/** Routines that rules look at by their names. */
const NAMED = /(?:^|\/)(?:loadPiece|toMemory|printState|stopVcpu|(?:save|load|park|unpark)Vfp)$/;

test('each other barrier is missed where it is none', () => {
  const unnoticed = routines.flatMap((routine) =>
    routine.code.flatMap((it, n) => {
      if (it.operation !== 'DSB' && it.operation !== 'ISB') return [];
      const code = routine.code.with(n, { ...it, operation: 'NOP' });
      const others = routines.filter((each) => each !== routine && NAMED.test(each.name));
      const mutated = [{ ...routine, code }, ...others];
      const isNoticed = Object.values(RULES).some((rule) => rule(mutated).missing.length > 0);
      return isNoticed ? [] : [`${routine.name.split('/').at(-1)!} ${it.operation}`];
    }),
  );
  expect(unnoticed.sort()).toEqual([...NO_RULE].sort());
}, 60_000);
