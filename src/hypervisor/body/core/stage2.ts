/**
 * Translation tables of second stages, in the long format (ARM ARM B3.6). All of them are made before anyone runs under
 * them.
 */
import { PERIPHERAL_BASE } from '../generated/board.js';
import * as L from '../../shared/layout.js';
import { ACCESSED, BLOCK, EXECUTE_NEVER, INNER_SHAREABLE, MIB2, PAGE, TABLE } from './descriptors.js';
import { CONTROLLER_PAGE, LOCAL_PAGE } from './pages.js';
import { Vm, configuration, memoryOf, memorySizeOf } from './vm.js';
import { DCCMVAC, TLBIALLIS, barrier, shared } from '../intrinsics.js';

// @external('address', 'hostTables')
declare function hostTables(): usize;
// @external('address', 'guestTables')
declare function guestTables(): usize;
/** MemAttr, HAP 3 for reads and writes, 1 for reads. */
const NORMAL: u64 = ACCESSED | INNER_SHAREABLE | (0xf << 2) | (3 << 6);
const READ_ONLY: u64 = ACCESSED | INNER_SHAREABLE | (0xf << 2) | (1 << 6);
const DEVICE: u64 = ACCESSED | (1 << 2) | (3 << 6) | EXECUTE_NEVER;
/**
 * The local controller: the host reads it, what it writes is looked at (host/controllers.ts). It is the only page that the
 * host may read and not write, so such a fault is at it: HPFAR does not say (ARM ARM B3.13.6).
 */
const LOCAL: u64 = LOCAL_PAGE | ACCESSED | (1 << 2) | (1 << 6) | EXECUTE_NEVER | PAGE;
/** Normal memory, uncached: what the host's own tables say cannot make it cacheable (ARM ARM B3.8.4). */
const UNCACHED: u64 = ACCESSED | INNER_SHAREABLE | (5 << 2) | (3 << 6) | EXECUTE_NEVER;
const GIB: u32 = 0x40000000;

// @inline
function set(table: usize, index: u32, descriptor: u64): void {
  store<u64>(table + 8 * index, descriptor);
}

/** The host's: everything where it is, without the hypervisor's and the guests' memory; but with the channel. */
export function makeHostTables(): usize {
  const level1 = hostTables();
  const low = level1 + L.TABLE_SIZE;
  const high = low + L.TABLE_SIZE;
  const peripherals = high + L.TABLE_SIZE;
  const local = peripherals + L.TABLE_SIZE;
  set(level1, 0, low | TABLE);
  set(level1, 1, high | TABLE);
  const from = configuration(L.CONFIG_HOST_END);
  const to = configuration(L.CONFIG_END);
  for (let i: u32 = 0; i < 512; i++) {
    const address = i * MIB2;
    if (address >= from && address < to) continue;
    set(low, i, address | (address < PERIPHERAL_BASE ? NORMAL : DEVICE) | BLOCK);
  }
  const channel = configuration(L.CONFIG_CHANNEL);
  const channelEnd = channel + configuration(L.CONFIG_CHANNEL_SIZE);
  for (let at = channel; at < channelEnd; at += MIB2) set(low, at / MIB2, at | UNCACHED | BLOCK);
  set(low, PERIPHERAL_BASE / MIB2, peripherals | TABLE);
  for (let i: u32 = 0; i < 512; i++) set(peripherals, i, (PERIPHERAL_BASE + (i << 12)) | DEVICE | PAGE);
  set(high, 0, local | TABLE);
  set(local, 0, LOCAL);
  return level1;
}

/** A guest's: its memory, and its firmware to be read, nothing else. */
export function makeGuestTables(vm: Vm): usize {
  const level1 = guestTables() + (vm.number - 1) * L.GUEST_TABLES * L.TABLE_SIZE;
  const level2 = level1 + L.TABLE_SIZE;
  if (load<u32>(vm.record + 4 * L.GUEST_ENTRY) < <u32>L.GUEST_RAM) {
    const low = level2 + L.TABLE_SIZE;
    const pages = low + L.TABLE_SIZE;
    set(level1, 0, low | TABLE);
    set(low, 0, pages | TABLE);
    set(low, L.GUEST_SECOND_FLASH / MIB2, pages | TABLE);
    const firmware = load<u32>(vm.record + 4 * L.GUEST_KERNEL);
    const count = load<u32>(vm.record + 4 * (L.GUEST_KERNEL + 1)) >> 12;
    for (let i: u32 = 0; i < count; i++) set(pages, i, (firmware + (i << 12)) | READ_ONLY | PAGE);
  }
  set(level1, <u32>L.GUEST_RAM / GIB, level2 | TABLE);
  const memory = memoryOf(vm);
  const blocks = memorySizeOf(vm) / MIB2;
  for (let i: u32 = 0; i < blocks; i++) set(level2, i, (memory + i * MIB2) | NORMAL | BLOCK);
  return level1;
}

/**
 * Lets the host at the interrupt controllers itself, but for writes to the local one, or has its accesses trapped. Only for a core of the host's: in
 * HYP mode TLBIALLIS is for the VMID in VTTBR (ARM ARM B4.2.2), so the guests' translations stay.
 */
export function mapControllers(shown: bool): void {
  const peripherals = hostTables() + 3 * L.TABLE_SIZE;
  const controller = peripherals + 8 * ((CONTROLLER_PAGE - PERIPHERAL_BASE) >> 12);
  const local = peripherals + L.TABLE_SIZE;
  shared.store64(controller, shown ? CONTROLLER_PAGE | DEVICE | PAGE : 0);
  shared.store64(local, shown ? LOCAL : 0);
  DCCMVAC.write(<u32>controller);
  DCCMVAC.write(<u32>local);
  barrier.dsbIsh();
  TLBIALLIS.write(0);
  barrier.dsbIsh();
  barrier.isb();
}
