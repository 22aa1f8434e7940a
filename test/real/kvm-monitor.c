/*
 * A virtual machine monitor as small as it can be, which runs as /init: through /dev/kvm it makes a virtual machine of one
 * virtual CPU without an interrupt controller of KVM's, as the Pi 2 has no GIC, and passes the virtual timer's line on to
 * that CPU's IRQ by itself (Linux, Documentation/virtual/kvm/api.txt, KVM_CAP_ARM_USER_IRQ).
 *
 * It is compiled without a C library, with the headers of the kernel that it runs under.
 */
#include <asm/unistd.h>
#include <linux/fcntl.h>
#include <linux/kvm.h>
#include <linux/mman.h>

/* Guest's physical addresses: RAM, where KVM starts a CPU, and two words of a device that only the monitor knows. */
#define RAM 0
#define RAM_SIZE 0x10000
#define TICK 0x10000000
#define END 0x10000004

#define CPU 0
#define EXTENT(name) ((unsigned)(name##_end - name))

/*
 * The guest: sets the virtual timer to a 256th of a second (ARM ARM B8.1.5) and waits for its interrupt, in WFI and in a
 * loop by turns. Each is counted, the count stored to TICK; the fifth is followed by a store to END.
 */
extern const char guest[], guest_end[];
__asm__(
  "  .pushsection .rodata\n"
  "  .arm\n"
  "  .balign 4\n"
  "guest:\n"
  "  b begin\n" /* reset; the vectors stand at address 0 */
  "  b .\n"
  "  b .\n"
  "  b .\n"
  "  b .\n"
  "  b .\n"
  "  b irq\n"
  "  b .\n"
  "begin:\n"
  "  mov r6, #0\n"
  "  mov r5, #0x10000000\n" /* TICK */
  "  mrc p15, 0, r4, c14, c0, 0\n" /* CNTFRQ */
  "  lsr r4, r4, #8\n"
  "  mov r0, #1\n"
  "  mcr p15, 0, r4, c14, c3, 0\n" /* CNTV_TVAL */
  "  mcr p15, 0, r0, c14, c3, 1\n" /* CNTV_CTL.ENABLE */
  "  isb\n"
  "  cpsie i\n"
  "wait:\n"
  "  tst r6, #1\n"
  "  wfieq\n"
  "  b wait\n"
  "irq:\n"
  "  mrc p15, 0, r0, c14, c3, 1\n"
  "  tst r0, #4\n" /* CNTV_CTL.ISTATUS: it is the timer's */
  "  beq back\n"
  "  mov r0, #0\n"
  "  mcr p15, 0, r0, c14, c3, 1\n" /* off: its line falls before the monitor looks */
  "  isb\n"
  "  add r6, r6, #1\n"
  "  str r6, [r5]\n"
  "  cmp r6, #5\n"
  "  streq r6, [r5, #4]\n"
  "  mov r0, #1\n"
  "  mcr p15, 0, r4, c14, c3, 0\n"
  "  mcr p15, 0, r0, c14, c3, 1\n"
  "  isb\n"
  "back:\n"
  "  subs pc, lr, #4\n"
  "guest_end:\n"
  "  .popsection\n");

static long call(long number, long a, long b, long c, long d, long e, long f)
{
  register long r7 __asm__("r7") = number;
  register long r0 __asm__("r0") = a;
  register long r1 __asm__("r1") = b;
  register long r2 __asm__("r2") = c;
  register long r3 __asm__("r3") = d;
  register long r4 __asm__("r4") = e;
  register long r5 __asm__("r5") = f;
  __asm__ volatile("svc 0"
       : "+r"(r0)
       : "r"(r7), "r"(r1), "r"(r2), "r"(r3), "r"(r4), "r"(r5)
       : "memory");
  return r0;
}

static void print(const char *text, long number)
{
  char line[128], digits[12];
  unsigned length = 0, count = 0, rest = number < 0 ? -number : number;

  while (text[length]) {
    line[length] = text[length];
    length++;
  }
  line[length++] = ' ';
  do {
    digits[count++] = '0' + rest % 10;
    rest /= 10;
  } while (rest);
  while (count)
    line[length++] = digits[--count];
  line[length++] = '\n';
  call(__NR_write, 1, (long)line, length, 0, 0, 0);
}

/* The first process must not end: the kernel would panic. */
static void __attribute__((noreturn)) end(const char *why, long number)
{
  print(why, number);
  for (;;)
    call(__NR_pause, 0, 0, 0, 0, 0, 0);
}

static long need(const char *what, long result)
{
  if (result < 0)
    end(what, result);
  return result;
}

static long ioctl(int file, unsigned request, const void *argument)
{
  return call(__NR_ioctl, file, request, (long)argument, 0, 0, 0);
}

static void *map(long size, long flags, int file)
{
  long at = call(__NR_mmap2, 0, size, PROT_READ | PROT_WRITE, flags, file, 0);

  if (at < 0 && at > -4096)
    end("monitor: mmap failed, error", at);
  return (void *)at;
}

void __attribute__((noreturn, externally_visible)) _start(void)
{
  static struct kvm_vcpu_init target;
  static struct kvm_userspace_memory_region ram = {
    .guest_phys_addr = RAM,
    .memory_size = RAM_SIZE,
  };
  struct kvm_irq_level line = {
    .irq = KVM_ARM_IRQ_TYPE_CPU << KVM_ARM_IRQ_TYPE_SHIFT | CPU << KVM_ARM_IRQ_VCPU_SHIFT |
           KVM_ARM_IRQ_CPU_IRQ << KVM_ARM_IRQ_NUM_SHIFT,
  };
  long kvm, vm, vcpu, raised = 0;
  struct kvm_run *run;
  char *memory;

  kvm = need("monitor: /dev/kvm cannot be opened, error", call(__NR_open, (long)"/dev/kvm", O_RDWR, 0, 0, 0, 0));
  print("monitor: KVM's version", ioctl(kvm, KVM_GET_API_VERSION, 0));
  print("monitor: KVM_CAP_IRQCHIP", ioctl(kvm, KVM_CHECK_EXTENSION, (void *)KVM_CAP_IRQCHIP));
  print("monitor: KVM_CAP_ARM_USER_IRQ", ioctl(kvm, KVM_CHECK_EXTENSION, (void *)KVM_CAP_ARM_USER_IRQ));

  vm = need("monitor: no virtual machine, error", ioctl(kvm, KVM_CREATE_VM, 0));
  memory = map(RAM_SIZE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
  for (unsigned at = 0; at < EXTENT(guest); at++)
    memory[at] = guest[at];
  ram.userspace_addr = (unsigned long)memory;
  need("monitor: no memory, error", ioctl(vm, KVM_SET_USER_MEMORY_REGION, &ram));
  vcpu = need("monitor: no virtual CPU, error", ioctl(vm, KVM_CREATE_VCPU, (void *)CPU));
  need("monitor: no target, error", ioctl(vm, KVM_ARM_PREFERRED_TARGET, &target));
  need("monitor: the virtual CPU was not initialised, error", ioctl(vcpu, KVM_ARM_VCPU_INIT, &target));
  run = map(ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0), MAP_SHARED, vcpu);

  for (;;) {
    /* A change of the timer's line alone ends it as a signal would. */
    long result = ioctl(vcpu, KVM_RUN, 0);
    unsigned level = !!(run->s.regs.device_irq_level & KVM_ARM_DEV_EL1_VTIMER);

    if (level != line.level) {
      line.level = level;
      raised += level;
      need("monitor: the line was not set, error", ioctl(vm, KVM_IRQ_LINE, &line));
    }
    if (run->exit_reason == KVM_EXIT_MMIO && run->mmio.is_write && run->mmio.phys_addr == TICK)
      print("guest: timer interrupt", *(unsigned *)run->mmio.data);
    else if (run->exit_reason == KVM_EXIT_MMIO && run->mmio.is_write && run->mmio.phys_addr == END)
      end("monitor: the guest has ended; times that the timer's line rose:", raised);
    else if (run->exit_reason != KVM_EXIT_INTR)
      end("monitor: an exit that it does not know, reason", run->exit_reason);
    else if (result < 0 && result != -4 /* EINTR */)
      end("monitor: KVM_RUN failed, error", result);
  }
}
