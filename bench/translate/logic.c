// The same logic as test/translate/samples/logic.ts, for comparison with gcc -O2.
typedef unsigned int u32;
typedef unsigned long long u64;
typedef unsigned char u8;

struct vcpu {
  u32 r0, r1, r2, r3;
  u32 pc, cpsr, vm, core;
  u32 pending, enabled, active, mask, counts;
  u64 timer_value;
  u32 timer_control;
  u64 offset;
};

struct distributor {
  u32 control, enabled, pending, active;
  u8 priority[32];
  u8 target[32];
  u32 configuration[2];
};

static const u32 FAILED = 0xffffffff;

static inline void skip(struct vcpu *cpu, u32 hsr) { cpu->pc += hsr & 0x02000000 ? 4 : 2; }
static inline void set_register(struct vcpu *cpu, u32 n, u32 value) {
  if (n < 4) (&cpu->r0)[n] = value;
}
static inline u32 get_register(struct vcpu *cpu, u32 n) { return n < 4 ? (&cpu->r0)[n] : 0; }

u32 hypercall(struct vcpu *cpu, u32 hsr) {
  cpu->counts++;
  if (hsr >> 26 != 0x12) return FAILED;
  switch (cpu->r0) {
    case 0x84000000:
      set_register(cpu, 0, 2);
      return 0;
    case 0x84000003:
      return cpu->vm << 8 | cpu->core;
    case 0x84000008:
    case 0x84000009:
      cpu->mask = 0;
      return 1;
    default:
      set_register(cpu, 0, FAILED);
      return 0;
  }
}

u32 distributor(struct distributor *gic, struct vcpu *cpu, u32 offset, u32 hsr) {
  if (!(hsr & 0x01000000)) return FAILED;
  u32 size = (hsr >> 22) & 3, n = (hsr >> 16) & 15;
  _Bool write = (hsr & 0x40) != 0;
  if (size == 0) {
    if (offset - 0x400 < 32 || offset - 0x800 < 32) {
      u8 *place = (u8 *)gic + (offset >= 0x800 ? 48 + offset - 0x800 : 16 + offset - 0x400);
      if (write) *place = get_register(cpu, n);
      else set_register(cpu, n, *place);
      skip(cpu, hsr);
      return 1;
    }
    return FAILED;
  }
  if (size != 2 || offset & 3) return FAILED;
  if (write) {
    u32 value = get_register(cpu, n);
    switch (offset) {
      case 0: gic->control = value & 1; break;
      case 0x100: gic->enabled |= value; break;
      case 0x180: gic->enabled &= ~value; break;
      case 0x200: gic->pending |= value; break;
      case 0x280: gic->pending &= ~value; break;
      case 0xf00: {
        u32 target = (value >> 16) & 0xff;
        if (target & (1u << (cpu->core & 31))) gic->pending |= 1u << (value & 15);
        break;
      }
      default:
        if (offset - 0xc00 < 8) *(u32 *)((u8 *)gic + 80 + (offset & 7)) = value;
        else if (offset >= 0x1000) return FAILED;
    }
  } else {
    u32 value = 0;
    switch (offset) {
      case 0: value = gic->control; break;
      case 4: value = 0x60; break;
      case 0x100: case 0x180: value = gic->enabled; break;
      case 0x200: case 0x280: value = gic->pending; break;
      case 0x300: value = gic->active; break;
      default: if (offset >= 0x1000) return FAILED;
    }
    set_register(cpu, n, value);
  }
  u32 waiting = gic->control & 1 ? gic->pending & gic->enabled & ~gic->active : 0;
  cpu->pending = waiting;
  skip(cpu, hsr);
  return waiting != 0 ? 2 : 1;
}

u32 acknowledge(struct distributor *gic) {
  u32 waiting = gic->pending & gic->enabled & ~gic->active;
  u32 best = 1023, least = 0x100;
  while (waiting) {
    u32 n = 31 - __builtin_clz(waiting);
    waiting ^= 1u << n;
    u32 priority = gic->priority[n];
    if (priority <= least) {
      least = priority;
      best = n;
    }
  }
  if (best == 1023) return best;
  gic->pending &= ~(1u << (best & 31));
  gic->active |= 1u << (best & 31);
  return best;
}

u32 map(u64 *table, u64 ipa, u64 pa, u32 count, u32 attributes) {
  for (u32 i = 0; i < count; i++) {
    u32 index = (u32)(ipa >> 21) & 0x7ff;
    u64 *entry = table + index;
    if (*entry & 1) return i;
    *entry = (pa & 0xffffe00000) | attributes | 1;
    ipa += 0x200000;
    pa += 0x200000;
  }
  return count;
}

u64 timer(struct vcpu *cpu, u64 now) {
  if ((cpu->timer_control & 3) != 1) return 0xffffffffffffffff;
  u64 due = cpu->timer_value + cpu->offset;
  if (now >= due) {
    cpu->timer_control |= 4;
    cpu->pending |= 1 << 27;
    return 0;
  }
  return due - now;
}

u32 put(u32 *ring, u32 byte) {
  u32 head = ring[0], tail = ring[1];
  if (head - tail >= 256) return 0;
  ((u8 *)(ring + 2))[head & 255] = byte;
  ring[0] = head + 1;
  return 1;
}

u32 classify(u32 hsr) {
  switch (hsr >> 26) {
    case 0x01: return 1;
    case 0x03: return 2;
    case 0x04: return 3;
    case 0x05: return 4;
    case 0x06: return 5;
    case 0x07: return 6;
    case 0x11: return 7;
    case 0x12: return 8;
    case 0x13: return 9;
    case 0x20: return 10;
    case 0x24: return hsr & 0x01000000 ? 11 : 12;
    default: return 0;
  }
}

u64 replace(volatile u64 *entry, u64 value) {
  u64 before = *entry;
  *entry = 0;
  *entry = value;
  return before;
}
