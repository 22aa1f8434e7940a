// One function for each kind of intrinsic, as the hypervisor would use it.
import { atomic, barrier, CNTVOFF, DCCMVAC, ELR_hyp, HCR, HSR, mmio, psr, shared, VTTBR, word } from '../../../src/hypervisor/body/intrinsics';

@external('assembly', 'park')
declare function park(reason: u32, time: u64): u32;
@external('address', 'vectors')
declare function vectors(): usize;

export function route(on: bool): void {
  HCR.write(on ? HCR.read() | HCR.IMO | HCR.FMO : HCR.read() & ~HCR.IMO);
  barrier.isb();
}

export function exceptionClass(): u32 {
  return (HSR.read() >>> HSR.EC_SHIFT) & HSR.EC_MASK;
}

export function setOffset(offset: u64): u64 {
  CNTVOFF.write(offset);
  return VTTBR.read();
}

export function poll(): u32 {
  while (!(mmio.read32(0x3f201018) & 0x20)) barrier.wfe();
  mmio.write8(0x3f201000, 65);
  return mmio.read16(0x3f201002);
}

export function descriptor(at: usize, value: u64): u64 {
  const before = shared.load64(at);
  shared.store64(at, value);
  barrier.dsbIshst();
  DCCMVAC.write(<u32>at);
  return before;
}

export function count(at: usize): u32 {
  while (atomic.compareExchange(at, 0, 1) != 0) barrier.wfe();
  return atomic.fetchAdd(at + 4, 1) + word.rev(shared.load32(at + 8));
}

export function skip(): void {
  ELR_hyp.write(ELR_hyp.read() + 4);
  psr.disableInterrupts();
}

export function leave(): u32 {
  return park(3, 0x100000002) + park(<u32>vectors(), 0) + <u32>vectors();
}
