/** Where the vectors are, and what waits for one of them (c12). */
import { MODE_HYP, PSR_A, PSR_F, PSR_I } from '../../isa/program-status.js';
import * as R from '../../isa/system-registers.js';
import { isSecure, modeOf } from '../current-mode.js';
import type { Accesses } from './access.js';
import { stored } from './access.js';
import { debugRegisterWritten } from './debug.js';

const { AMO, IMO, FMO, VA, VI, VF } = R.HCR.bits;

/** The base of vectors that vector catch looks at. */
const caught = (register: Parameters<typeof stored>[0]): ReturnType<typeof stored> => {
  const { read, write } = stored(register);
  return {
    read,
    write: (m, value) => {
      write(m, value);
      if (m.core.DBGVCR !== 0) debugRegisterWritten(m);
    },
  };
};

export const vectors = {
  VBAR: caught(R.VBAR),
  MVBAR: caught(R.MVBAR),
  HVBAR: stored(R.HVBAR),
  ISR: {
    read: (m) => {
      const { core: it } = m;
      const guest = !isSecure(m) && modeOf(m) !== MODE_HYP;
      const pending = (route: number, virtual: number, physical: boolean): boolean =>
        guest && it.HCR & (1 << route) ? (it.HCR & (1 << virtual)) !== 0 : physical;
      return (
        (pending(IMO, VI, it.irq) ? PSR_I : 0) |
        (pending(FMO, VF, it.fiq) ? PSR_F : 0) |
        (pending(AMO, VA, it.abort === 'there') ? PSR_A : 0)
      );
    },
  },
} satisfies Partial<Accesses>;
