/** The trace: a line of text for each instruction that a core is about to execute. */
import { disassembleA32, disassembleT32, type Disassembly } from '../isa/disassembler.js';
import type { CoreView } from '../cpu/core-view.js';
import { hexDigits } from '../base/words.js';
import { modeName } from './core-state.js';
import type { Observe } from './observer.js';

/** Instructions whose text is kept; more are forgotten all at once. */
const KEPT = 0x1_0000;
/** Characters that are handed on in one piece, at least. */
const PIECE = 0x1_0000;

/** An instruction as text: `mov r0, #0`, with what its words do not say behind a semicolon. */
function instructionText(found: Disassembly | undefined): string {
  if (!found) return 'UNDEFINED';
  const { mnemonic, operands, comment } = found;
  return `${mnemonic} ${operands}`.trimEnd() + (comment === undefined ? '' : `  ; ${comment}`);
}

/**
 * The instruction that a core comes to.
 * @param word an A32 word, or T32 as `decodeT32` takes it
 */
export function disassemblyAt(core: CoreView, address: number, word: number): string {
  if (!core.thumb) return instructionText(disassembleA32(word, { address }));
  const it = core.itState;
  return instructionText(disassembleT32(word, { address, ...(it !== 0 && { condition: it >>> 4 }) }));
}

/**
 * Traces every core.
 *
 * A line has the core, virtual time in nanoseconds, mode and security state, address, word and disassembly; a
 * conditional instruction is there whether its condition holds or not. Some 60 bytes a line: a kernel's boot is
 * two thousand million lines.
 * It comes last among the observers, so that an instruction before which another one ends the run is not in it.
 * @param write gets the text, some 64 KiB at a time, whole lines
 */
export function traceTo(write: (text: string) => void): Observe {
  return (pi) => {
    let piece = '# core, virtual time in ns, mode, security state, address, word, instruction\n';
    const texts = new Map<number, { readonly word: number; readonly it: number; readonly text: string }>();
    const textAt = (core: CoreView, address: number, word: number): string => {
      const { thumb } = core;
      const it = thumb ? core.itState | 0x100 : 0;
      const kept = texts.get(address);
      if (kept?.word === word && kept.it === it) return kept.text;
      const digits = thumb && word <= 0xffff ? 4 : 8;
      const text = `${hexDigits(address, 8)}  ${hexDigits(word, digits).padEnd(8)}  ${disassemblyAt(core, address, word)}\n`;
      if (texts.size >= KEPT) texts.clear();
      texts.set(address, { word, it, text });
      return text;
    };
    const flush = (): void => {
      if (piece !== '') write(piece);
      piece = '';
    };
    return {
      watch: {
        wants: () => true,
        instruction: (core, address, _physical, word) => {
          // Another observer may have ended the run before this instruction.
          if (pi.ending !== undefined) return false;
          const time = pi.cpu.now().toString().padStart(12);
          const state = `${modeName(core.mode)} ${core.secure ? 'S ' : 'NS'}`;
          piece += `${core.index} ${time}  ${state}  ${textAt(core, address, word)}`;
          if (piece.length >= PIECE) flush();
          return false;
        },
      },
      // The last piece.
      report: () => {
        flush();
        return {};
      },
    };
  };
}
