// The hypervisor's paths that guests take most, with the same logic as hypervisor/traps.ts, gic.ts, psci.ts and
// scheduler.ts, for comparison with gcc -O2. What is rare goes to the hypervisor's own functions: names in capitals are
// their addresses, TRAP for what is no function there.
typedef unsigned int u32;
typedef unsigned long long u64;
typedef unsigned char u8;

struct vm;
struct vcpu {
  u32 r[13], lr;
  struct vm *vm;
  u32 number, core;
  struct vcpu *next;
  u32 left;
  volatile u32 state;
  u32 startAt, startWith, timerHeld, interfaceEnabled, priorityMask, activePriorities, binaryPoint, binaryPoint1;
  volatile u32 pending;
  u32 enabled, active, group, spiMine;
  u64 priorities[4], sgiSources[2];
  u32 physicalControl;
  u64 physicalCompare;
};
struct vm {
  u32 number, lock, record;
  struct vcpu *firstVcpu;
  u32 vcpus, vttbrLow, vttbrHigh, request, resting;
  u64 beginsAt;
  u32 made, startedLow, startedHigh, booting, started, ranLast, distributor;
  volatile u32 spiEnabled, spiPending, spiLevel, spiActive;
  u32 spiEdge, spiGroup;
  u64 spiTargets[4], spiPriorities[4];
};
struct core {
  u32 index;
  struct vcpu *loaded;
};

typedef struct vcpu *gives(struct vcpu *);
#define schedule ((gives *) SCHEDULE)
#define rest ((gives *) TRAP)
#define wait ((gives *) WAIT)
#define give_undefined ((gives *) TRAP)
#define give_abort ((struct vcpu * (*)(struct vcpu *, _Bool, u32, _Bool)) DELIVER_ABORT)
#define go_on ((struct vcpu * (*)(struct vcpu *, u32, u32, u32)) CONTINUE_OR_CRASH)
#define condition_passes ((_Bool (*)(u32)) CONDITION_PASSES)
#define system_access ((_Bool (*)(struct vcpu *, u32)) SYSTEM_ACCESS)
#define read_register ((u32 (*)(struct vcpu *, u32)) READ_REGISTER)
#define write_register ((void (*)(struct vcpu *, u32, u32)) WRITE_REGISTER)
#define read_distributor ((u32 (*)(struct vcpu *, u32)) READ_DISTRIBUTOR)
#define write_distributor ((void (*)(struct vcpu *, u32, u32, u32)) WRITE_DISTRIBUTOR)
#define far_uart(vm) (UARTS + (vm)->number * 2 * 64)
#define read_uart ((u32 (*)(u32, u32)) READ_UART)
#define write_uart ((void (*)(u32, u32, u32)) WRITE_UART)

#define MRC(opc1, crn, crm, opc2) \
  ({ u32 it; __asm__ volatile("mrc p15, " #opc1 ", %0, " #crn ", " #crm ", " #opc2 : "=r"(it)); it; })
#define HCR MRC(4, c1, c1, 0)
#define HSR MRC(4, c5, c2, 0)
#define HDFAR MRC(4, c6, c0, 0)
#define HPFAR MRC(4, c6, c0, 4)
#define HTPIDR MRC(4, c13, c0, 2)
#define CNTV_CTL MRC(0, c14, c3, 1)
#define SET_HCR(value) __asm__ volatile("mcr p15, 4, %0, c1, c1, 0" : : "r"(value))
#define ELR ({ u32 it; __asm__ volatile("mrs %0, ELR_hyp" : "=r"(it)); it; })
#define SET_ELR(value) __asm__ volatile("msr ELR_hyp, %0" : : "r"(value))
#define SPSR ({ u32 it; __asm__ volatile("mrs %0, SPSR" : "=r"(it)); it; })
#define SET_SPSR(value) __asm__ volatile("msr SPSR_fsxc, %0" : : "r"(value))
#define DEVICE(address) (*(volatile u32 *)(address))

enum { VI = 1 << 7, VF = 1 << 6, SPURIOUS = 1023, OTHER_GROUP = 1022, NOBODY = 32, GROUPS = 3, FIQ_EN = 1 << 3, EOI_MODE = 1 << 9 };

static u32 fetch_or(volatile u32 *at, u32 value) {
  u32 old, next, failed;
  __asm__ volatile("1: ldrex %0, [%3]\n orr %1, %0, %4\n strex %2, %1, [%3]\n cmp %2, #0\n bne 1b"
                   : "=&r"(old), "=&r"(next), "=&r"(failed) : "r"(at), "r"(value) : "cc", "memory");
  return old;
}
static u32 fetch_and(volatile u32 *at, u32 value) {
  u32 old, next, failed;
  __asm__ volatile("1: ldrex %0, [%3]\n and %1, %0, %4\n strex %2, %1, [%3]\n cmp %2, #0\n bne 1b"
                   : "=&r"(old), "=&r"(next), "=&r"(failed) : "r"(at), "r"(value) : "cc", "memory");
  return old;
}

static void skip(u32 hsr) {
  SET_ELR(ELR + (hsr & 1 << 25 ? 4 : 2));
  u32 psr = SPSR;
  if (!(psr & 0x0600fc00)) return;
  u32 it = ((psr >> 8) & 0xfc) | ((psr >> 25) & 3);
  it = (it & 7) == 0 ? 0 : (it & 0xe0) | ((it << 1) & 0x1f);
  SET_SPSR((psr & ~0x0600fc00) | ((it & 0xfc) << 8) | ((it & 3) << 25));
}

static u32 better(u8 *priorities, u32 bits, u32 first, u32 best) {
  while (bits) {
    u32 n = __builtin_ctz(bits);
    bits &= bits - 1;
    u32 candidate = (priorities[n] << 16) | (first + n);
    if (candidate < best) best = candidate;
  }
  return best;
}

u32 next(struct vcpu *vcpu) {
  struct vm *vm = vcpu->vm;
  u32 own = vcpu->pending & vcpu->enabled & ~vcpu->active;
  u32 spis = (vm->spiPending | vm->spiLevel) & vcpu->spiMine;
  if (spis) spis &= vm->spiEnabled & ~vm->spiActive;
  if (!(own | spis)) return SPURIOUS;
  u32 groups = vm->distributor & vcpu->interfaceEnabled & GROUPS;
  if (groups == 1) {
    own &= ~vcpu->group;
    spis &= ~vm->spiGroup;
  } else if (groups == 2) {
    own &= vcpu->group;
    spis &= vm->spiGroup;
  } else if (groups == 0) return SPURIOUS;
  u32 active = vcpu->activePriorities, limit = vcpu->priorityMask;
  if (active) {
    u32 running = __builtin_ctz(active) << 3;
    if (running < limit) limit = running;
  }
  u32 best = better((u8 *)vcpu->priorities, own, 0, limit << 16);
  best = better((u8 *)vm->spiPriorities, spis, 32, best);
  return best == limit << 16 ? SPURIOUS : best & 0xffff;
}

static _Bool is_group1(struct vcpu *vcpu, u32 id) {
  return ((id < 32 ? vcpu->group : vcpu->vm->spiGroup) >> (id & 31)) & 1;
}

static void deliver(struct vcpu *vcpu) {
  u32 hcr = HCR, id = next(vcpu), wanted = hcr & ~(VI | VF);
  if (id != SPURIOUS) wanted |= (vcpu->interfaceEnabled & FIQ_EN) && !is_group1(vcpu, id) ? VF : VI;
  if (wanted != hcr) SET_HCR(wanted);
}

static void release_timer(struct vcpu *vcpu) {
  fetch_and(&vcpu->pending, ~(1u << 27));
  vcpu->timerHeld = 0;
  DEVICE(0x40000040 + 4 * vcpu->core) = 12;
}

static u32 seen_as(struct vcpu *vcpu, u32 id, _Bool alias) {
  if (id == SPURIOUS) return id;
  if (!is_group1(vcpu, id)) return alias ? SPURIOUS : id;
  return alias || (vcpu->interfaceEnabled & 4) ? id : OTHER_GROUP;
}

static u32 take_sgi(struct vcpu *vcpu, u32 id) {
  volatile u32 *at = (volatile u32 *)((u8 *)vcpu->sgiSources + (id & ~3));
  u32 shift = (id & 3) << 3;
  __asm__ volatile("dmb ish" : : : "memory");
  u32 sources = (*at >> shift) & 0xff, source = sources ? __builtin_ctz(sources) : NOBODY;
  if (source != NOBODY) fetch_and(at, ~(1u << ((shift + source) & 31)));
  fetch_and(&vcpu->pending, ~(1u << id));
  __asm__ volatile("dmb ish" : : : "memory");
  if ((*at >> shift) & 0xff) fetch_or(&vcpu->pending, 1u << id);
  return source;
}

static u32 take(struct vcpu *vcpu, u32 id) {
  if (id < 16) return take_sgi(vcpu, id);
  if (id < 32) {
    fetch_and(&vcpu->pending, ~(1u << id));
    if (id == 30) rest(vcpu);
    return 0;
  }
  u32 bit = 1u << (id & 31);
  if (fetch_or(&vcpu->vm->spiActive, bit) & bit) return NOBODY;
  fetch_and(&vcpu->vm->spiPending, ~bit);
  return 0;
}

static u32 acknowledge(struct vcpu *vcpu, _Bool alias) {
  u32 id = next(vcpu);
  if (id == 27 && (CNTV_CTL & 7) != 5) {
    release_timer(vcpu);
    id = next(vcpu);
  }
  if (id == SPURIOUS) {
    SET_HCR(HCR & ~(VI | VF));
    return SPURIOUS;
  }
  if (alias || (vcpu->interfaceEnabled & 2)) {
    u32 seen = seen_as(vcpu, id, alias);
    if (seen >= OTHER_GROUP) return seen;
  }
  u32 source = 0;
  if (id != 27) {
    source = take(vcpu, id);
    if (source == NOBODY) {
      deliver(vcpu);
      return SPURIOUS;
    }
  }
  if (id < 32) vcpu->active |= 1u << id;
  u32 priority = id < 32 ? ((u8 *)vcpu->priorities)[id] : ((u8 *)vcpu->vm->spiPriorities)[id - 32];
  vcpu->activePriorities |= 1u << ((priority & (0xfeu << (vcpu->binaryPoint & 31))) >> 3 & 31);
  SET_HCR(HCR & ~(VI | VF));
  return (source << 10) | id;
}

static void deactivate(struct vcpu *vcpu, u32 id) {
  if (id < 32) {
    vcpu->active &= ~(1u << id);
    if (id == 27 && vcpu->timerHeld && (CNTV_CTL & 7) != 5) release_timer(vcpu);
  } else if (id < 64) {
    u32 bit = 1u << (id & 31);
    fetch_and(&vcpu->vm->spiActive, ~bit);
    __asm__ volatile("dmb ish" : : : "memory");
    if ((vcpu->vm->spiPending | vcpu->vm->spiLevel) & bit) rest(vcpu);
  }
  deliver(vcpu);
}

static u32 read_interface(struct vcpu *vcpu, u32 offset) {
  if (offset >> 2 == 3) return acknowledge(vcpu, 0);
  switch (offset >> 2) {
    case 0: return vcpu->interfaceEnabled;
    case 1: return vcpu->priorityMask;
    case 2: return vcpu->binaryPoint;
    case 5: return vcpu->activePriorities ? __builtin_ctz(vcpu->activePriorities) << 3 : 0xff;
    case 6: return seen_as(vcpu, next(vcpu), 0);
    case 7: return vcpu->binaryPoint1;
    case 8: return acknowledge(vcpu, 1);
    case 10: return seen_as(vcpu, next(vcpu), 1);
    case 0xd0 >> 2: return vcpu->activePriorities;
    case 0xfc >> 2: return 0x0002043b;
  }
  return 0;
}

static void write_interface(struct vcpu *vcpu, u32 offset, u32 value) {
  switch (offset >> 2) {
    case 0: vcpu->interfaceEnabled = value & 0x21f; break;
    case 1: vcpu->priorityMask = value & 0xf8; break;
    case 2: vcpu->binaryPoint = (value & 7) > 2 ? value & 7 : 2; break;
    case 7: vcpu->binaryPoint1 = value & 7; break;
    case 4:
    case 9:
      if ((value & 0x3ff) >= 1020) return;
      vcpu->activePriorities &= vcpu->activePriorities - 1;
      if (vcpu->interfaceEnabled & EOI_MODE) break;
      deactivate(vcpu, value & 0x3ff);
      return;
    case 0xd0 >> 2: vcpu->activePriorities = value; break;
    case 0x1000 >> 2: deactivate(vcpu, value & 0x3ff); return;
  }
  deliver(vcpu);
}

static _Bool knows(struct vcpu *vcpu, u32 page) {
  return page == 0x08010 || page == 0x08000 || page == 0x09000 || page == 0x08011 || page - 0x0a000 < 4;
}

static u32 read(struct vcpu *vcpu, u32 page, u32 offset) {
  u32 shift = (offset & 3) << 3, word = offset & ~3;
  if (page == 0x08010) return read_interface(vcpu, word) >> shift;
  if (page == 0x08000) return read_distributor(vcpu, word) >> shift;
  if (page == 0x09000) return read_uart(far_uart(vcpu->vm), word) >> shift;
  return 0;
}

static _Bool write(struct vcpu *vcpu, u32 page, u32 offset, u32 size, u32 value) {
  if (!knows(vcpu, page)) return 0;
  if (size == 1) value &= 0xff;
  else if (size == 2) value &= 0xffff;
  if (page == 0x08010) write_interface(vcpu, offset, value);
  else if (page == 0x08000) write_distributor(vcpu, offset, size, value);
  else if (page == 0x09000) write_uart(far_uart(vcpu->vm), offset, value);
  else if (page == 0x08011) write_interface(vcpu, 0x1000 | offset, value);
  return 1;
}

static u32 as_seen(u32 value, u32 size, u32 psr) {
  return psr & 1 << 9 ? __builtin_bswap32(value) >> (32 - 8 * size) : value;
}

static struct vcpu *data_abort(struct vcpu *vcpu, u32 hsr, u32 psr) {
  u32 page = HPFAR >> 4, address = HDFAR, offset = address & 0xfff;
  if (page == 0x08010 && ((hsr | (psr & 1 << 9)) & 0x01c8023c) == 0x01800004 && vcpu->vm->number != 0) {
    u32 *at = (u32 *)((u8 *)vcpu + ((hsr >> 14) & 0x1c));
    if (hsr & 1 << 6) write_interface(vcpu, offset, *at);
    else *at = read_interface(vcpu, offset);
    skip(hsr);
    return vcpu;
  }
  if (vcpu->vm->number == 0) return rest(vcpu);
  u32 size = 1 << ((hsr >> 22) & 3), n = (hsr >> 16) & 0xf;
  if ((hsr & 1 << 24) && (hsr & 0x3c) == 4 && n != 15 && offset + size <= 0x1000) {
    if (hsr & 1 << 6) {
      if (write(vcpu, page, offset, size, as_seen(read_register(vcpu, n), size, psr))) {
        skip(hsr);
        return vcpu;
      }
    } else if (knows(vcpu, page)) {
      u32 value = as_seen(read(vcpu, page, offset), size, psr), shift = 32 - 8 * size;
      value = hsr & 1 << 21 ? (u32)((int)(value << shift) >> shift) : (value << shift) >> shift;
      write_register(vcpu, n, value);
      skip(hsr);
      return vcpu;
    }
  }
  return give_abort(vcpu, 0, address, (hsr & 1 << 6) != 0);
}

static struct vcpu *call(struct vcpu *vcpu) {
  switch (vcpu->r[0] - 0x84000000) {
    case 0: vcpu->r[0] = 2; return vcpu;
    case 6: vcpu->r[0] = 2; return vcpu;
    case 1: case 2: case 3: case 4: case 8: case 9: return rest(vcpu);
  }
  vcpu->r[0] = -1;
  return vcpu;
}

static _Bool in_mode(u32 psr) { return (int)(0xf111u << (psr & 0x1f)) < 0; }

struct vcpu *trap(struct vcpu *vcpu) {
  u32 hsr = HSR, psr = SPSR;
  if (!in_mode(psr)) return go_on(vcpu, 0, ELR, SPSR);
  switch (hsr >> 26) {
    case 0x12:
      if (vcpu->vm->number) return call(vcpu);
      vcpu->r[0] = -1;
      return vcpu;
    case 0x24: return data_abort(vcpu, hsr, psr);
    case 0x01: {
      if (vcpu->vm->number == 0) return rest(vcpu);
      _Bool waits = condition_passes(hsr);
      skip(hsr);
      return waits ? wait(vcpu) : vcpu;
    }
    case 0x20: return give_abort(vcpu, 1, MRC(4, c6, c0, 2), 0);
    case 0x07:
      if (!(hsr & 1 << 5) && (hsr & 0xe) != 10) return give_undefined(vcpu);
      return rest(vcpu);
    case 0x03: case 0x05: case 0x04: case 0x0c:
      if (condition_passes(hsr) && !system_access(vcpu, hsr)) return give_undefined(vcpu);
      skip(hsr);
      return vcpu;
    case 0x0a: return rest(vcpu);
    case 0x06: case 0x08: case 0x13: return give_undefined(vcpu);
  }
  return go_on(vcpu, 0, ELR, hsr);
}

struct vcpu *irq(struct vcpu *vcpu) {
  struct core *here = (struct core *)HTPIDR;
  u32 source = DEVICE(0x40000060 + 4 * here->index);
  if (source & 8) {
    DEVICE(0x40000040 + 4 * here->index) = 4;
    here->loaded->timerHeld = 1;
    fetch_or(&here->loaded->pending, 1u << 27);
  }
  if (source & 32) {
    DEVICE(0x400000c4 + 16 * here->index) = -1;
    __asm__ volatile("dsb" : : : "memory");
  }
  if (!in_mode(SPSR)) return rest(vcpu);
  if (source & (4 | 32)) return schedule(vcpu);
  deliver(vcpu);
  return vcpu;
}
