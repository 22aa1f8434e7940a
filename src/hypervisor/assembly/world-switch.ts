/** What one vcpu's registers are replaced by another's with, in the order of shared/saved-registers.ts. */
import type { Assembler } from '../../isa/assembler.js';
import type { Label, Register } from '../../isa/registers.js';
import { lr, r0, r1, r2, r3, r4, r5, r6, r7, r8, r9, r10, r11, r12, pc } from '../../isa/registers.js';
import { d } from '../../isa/extension-registers.js';
import { VCPU_SAVED, VCPU_VFP } from '../shared/layout.js';
import { SAVED_BANKED, SAVED_SYSTEM } from '../shared/saved-registers.js';

/** Hyp mode's own has no other name there (ARM ARM B9.2.3). */
const OWN_SPSR = 'SPSR_hyp';

/** Registers that hold what is moved, in ascending order as LDM and STM take them. */
const HOLD = [r1, r2, r3, r4, r5, r6, r7, r8, r9, r10, r11, r12] as const;

/** One register's move to or from as many words. */
interface Move {
  readonly words: number;
  readonly save: (a: Assembler, to: readonly Register[]) => void;
  readonly load: (a: Assembler, from: readonly Register[]) => void;
}

const MOVES: readonly Move[] = [
  ...SAVED_BANKED.map((name): Move => ({
    words: 1,
    save: (a, [to]) => {
      a.mrs(to!, name === OWN_SPSR ? 'SPSR' : name);
    },
    load: (a, [from]) => {
      if (name === OWN_SPSR) a.msr('SPSR_fsxc', from!);
      else a.msr(name, from!);
    },
  })),
  ...SAVED_SYSTEM.map((register): Move => ({
    words: register.size / 32,
    save: (a, [low, high]) => {
      if (register.size === 64) a.mrrc(register, low!, high!);
      else a.mrc(register, low!);
    },
    load: (a, [low, high]) => {
      if (register.size === 64) a.mcrr(register, low!, high!);
      else a.mcr(register, low!);
    },
  })),
];

/** The moves in groups that fit into the registers of one LDM or STM. */
function groups(): Move[][] {
  const result: Move[][] = [[]];
  let used = 0;
  for (const move of MOVES) {
    if (used + move.words > HOLD.length) {
      result.push([]);
      used = 0;
    }
    result.at(-1)!.push(move);
    used += move.words;
  }
  return result;
}

function eachGroup(visit: (moves: readonly Move[], registers: readonly Register[]) => void): void {
  for (const moves of groups())
    visit(
      moves,
      HOLD.slice(
        0,
        moves.reduce((sum, { words }) => sum + words, 0),
      ),
    );
}

function eachMove(moves: readonly Move[], visit: (move: Move, registers: readonly Register[]) => void): void {
  let at = 0;
  for (const move of moves) {
    visit(move, HOLD.slice(at, at + move.words));
    at += move.words;
  }
}

const KEPT = [r4, r5, r6, r7, r8, r9, r10, r11] as const;

/**
 * Writes `saveVcpu(vcpu)` and `loadVcpu(vcpu)`, and the same for VFP and NEON, after the procedure call standard.
 * `takeAborts` has what the vcpu's accesses may still abort by come now, by vectors.ts; gives 1 where they did, else 0.
 * FPEXC is apart from these: an access with FPEXC.EN clear is UNDEFINED before HCPTR traps it (ARM ARM A2.6, pseudocode
 * of the checks), so it is set for as long as the core runs another vcpu: `parkVfp`, `unparkVfp`.
 */
export function writeWorldSwitch(a: Assembler, labelOf: (symbol: string) => Label): void {
  a.at(labelOf('saveVcpu'));
  a.push([...KEPT, lr]);
  a.add(r0, r0, VCPU_SAVED);
  eachGroup((moves, registers) => {
    eachMove(moves, ({ save }, to) => {
      save(a, to);
    });
    a.stm(r0, '!', registers);
  });
  a.pop([...KEPT, pc]);

  a.at(labelOf('loadVcpu'));
  a.push([...KEPT, lr]);
  a.add(r0, r0, VCPU_SAVED);
  eachGroup((moves, registers) => {
    a.ldm(r0, '!', registers);
    eachMove(moves, ({ load }, from) => {
      load(a, from);
    });
  });
  a.note('The second stage and the first ones of the other vcpu count from here');
  a.isb();
  a.pop([...KEPT, pc]);

  a.at(labelOf('takeAborts'));
  a.mrs(r2, 'ELR_hyp');
  a.mrs(r3, 'SPSR');
  a.mov(r0, 0);
  a.note('What was written is where it goes, or the abort is there (ARM ARM A3.8.3)');
  a.dsb();
  a.cpsie('a');
  a.note('One that is pending is taken by now: its vector sets R0');
  a.isb();
  a.cpsid('a');
  a.msr('ELR_hyp', r2);
  a.msr('SPSR_fsxc', r3);
  a.bx(lr);

  const enable = (): void => {
    a.mov(r2, FPEXC_EN);
    a.note('FPEXC.EN: the registers cannot be reached without it (ARM ARM B1.11.3)');
    a.vmsr('FPEXC', r2);
    a.isb();
  };
  a.at(labelOf('parkVfp'));
  a.vmrs(r1, 'FPEXC');
  a.str(r1, [r0, VCPU_VFP]);
  enable();
  a.bx(lr);

  a.at(labelOf('unparkVfp'));
  a.ldr(r1, [r0, VCPU_VFP]);
  a.vmsr('FPEXC', r1);
  a.bx(lr);

  a.at(labelOf('saveVfp'));
  a.add(r0, r0, VCPU_VFP + 4);
  a.vmrs(r2, 'FPSCR');
  a.str(r2, [r0], 4);
  a.vstmia(r0, '!', D.slice(0, 16));
  a.vstmia(r0, '!', D.slice(16));
  a.bx(lr);

  a.at(labelOf('loadVfp'));
  a.add(r0, r0, VCPU_VFP);
  a.ldm(r0, '!', [r1, r3]);
  enable();
  a.vmsr('FPSCR', r3);
  a.vldmia(r0, '!', D.slice(0, 16));
  a.vldmia(r0, '!', D.slice(16));
  a.vmsr('FPEXC', r1);
  a.bx(lr);
}

const FPEXC_EN = 0x4000_0000;
const D = Array.from({ length: 32 }, (_, n) => d(n));
