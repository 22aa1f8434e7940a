import { MODE_USR } from '../isa/program-status.js';
import type { Observe } from './observer.js';

/**
 * Notes which machines execute in User mode, by their VMIDs: a system that does so runs programs. It looks every few
 * milliseconds, so that a short while may be missed.
 */
export const noteUserMode: Observe = ({ cpu }) => {
  const seen = new Set<number>();
  return {
    look: () => {
      for (const core of cpu.cores) {
        const { vmid } = core;
        if (vmid !== undefined && core.mode === MODE_USR) seen.add(vmid);
      }
    },
    report: () => ({ userMode: [...seen].sort((a, b) => a - b) }),
  };
};
