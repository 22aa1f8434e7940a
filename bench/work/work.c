/* What programs do on Linux, a kind of work after the other; the console says when each begins and ends. */
#define _GNU_SOURCE
#include <arm_neon.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define KIB 1024u
#define MIB (1024u * KIB)

/* Results that the compiler may not do without. */
static volatile uint32_t sink;
static volatile double sink_double;
static volatile float sink_float;

static uint32_t *words;

static void integer(unsigned n) {
  uint32_t a = 1, b = 2;
  for (unsigned i = 0; i < n; i++) {
    a = a * 1664525u + 1013904223u;
    b ^= a >> 13;
    b = (b << 5) | (b >> 27);
    if (b & 0x100) a += b;
  }
  sink = a ^ b;
}

static void memory(unsigned n) {
  uint32_t sum = 0;
  for (unsigned i = 0; i < n; i++)
    for (unsigned k = 0; k < 16 * KIB; k++) {
      sum += words[k];
      words[k] = sum;
    }
  sink = sum;
}

static void random_loads(unsigned n) {
  uint32_t at = 0;
  for (unsigned i = 0; i < n; i++) at = (at * 5 + words[at & (2 * MIB - 1)] + 1) & (2 * MIB - 1);
  sink = at;
}

static void system_calls(unsigned n) {
  for (unsigned i = 0; i < n; i++) sink = (uint32_t)syscall(SYS_getppid);
}

static void pipes(unsigned n) {
  int there[2], back[2];
  if (pipe(there) || pipe(back)) _exit(1);
  pid_t child = fork();
  char byte = 0;
  if (child == 0) {
    for (unsigned i = 0; i < n; i++)
      if (read(there[0], &byte, 1) != 1 || write(back[1], &byte, 1) != 1) _exit(1);
    _exit(0);
  }
  for (unsigned i = 0; i < n; i++)
    if (write(there[1], &byte, 1) != 1 || read(back[0], &byte, 1) != 1) _exit(1);
  waitpid(child, 0, 0);
}

static void forks(unsigned n) {
  for (unsigned i = 0; i < n; i++) {
    pid_t child = fork();
    if (child == 0) _exit(0);
    waitpid(child, 0, 0);
  }
}

static void page_faults(unsigned n) {
  for (unsigned i = 0; i < n; i++) {
    char *at = mmap(0, MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    for (unsigned k = 0; k < MIB; k += 4096) at[k] = 1;
    munmap(at, MIB);
  }
}

static void vfp_doubles(unsigned n) {
  double x = 0.5, y = 1.25, sum = 0;
  for (unsigned i = 0; i < n; i++) {
    x = x * 1.0000001 + 1e-9;
    y = y - x * 0.3;
    sum += y / (1.0 + x * x);
    if (sum > 1e6) sum = 0;
  }
  sink_double = sum + y;
}

static void math_library(unsigned n) {
  double sum = 0;
  for (unsigned i = 1; i <= n; i++) {
    double x = (double)i * 0.001;
    sum += sin(x) + exp(-x * 0.01) + log(x) + pow(x, 0.3) + atan(x);
  }
  sink_double = sum;
}

static void neon_integers(unsigned n) {
  int16_t *in = (int16_t *)words;
  int16x8_t sum = vdupq_n_s16(0);
  for (unsigned i = 0; i < n; i++)
    for (unsigned k = 0; k < 4096; k += 8) {
      int16x8_t v = vld1q_s16(in + k);
      sum = vmlaq_s16(sum, v, vaddq_s16(v, sum));
      sum = vmaxq_s16(sum, vshrq_n_s16(v, 3));
    }
  sink = (uint32_t)vgetq_lane_s16(sum, 0);
}

static void neon_floats(unsigned n) {
  static float values[4096];
  for (unsigned k = 0; k < 4096; k++) values[k] = (float)k * 0.37f + 0.1f;
  float32x4_t sum = vdupq_n_f32(0);
  for (unsigned i = 0; i < n; i++) {
    for (unsigned k = 0; k < 4096; k += 4) {
      float32x4_t v = vld1q_f32(values + k);
      sum = vmlaq_f32(sum, v, vdupq_n_f32(1.0009765f));
      sum = vmulq_f32(sum, vdupq_n_f32(0.5f));
    }
  }
  sink_float = vgetq_lane_f32(sum, 0);
}

static void copies(unsigned n) {
  for (unsigned i = 0; i < n; i++) memcpy(words + MIB, words, MIB);
  sink = words[MIB + 5];
}

/* Runs a program to its end; it says what it says. */
static void program(char *const argv[]) {
  pid_t child = fork();
  int status;
  if (child == 0) {
    execv(argv[0], argv);
    _exit(127);
  }
  if (waitpid(child, &status, 0) != child || status != 0) {
    printf("WORK failed: %s: %d\n", argv[0], status);
    exit(1);
  }
}

/* Of so many MiB each. */
static void digests(unsigned n) {
  static const char *const names[] = {"-md5", "-sha1", "-sha256", "-sha512", "-sha3-256", "-blake2b512"};
  FILE *file = fopen("/data", "w");
  if (!file || fwrite(words, MIB, n, file) != n || fclose(file)) exit(1);
  for (unsigned i = 0; i < sizeof names / sizeof *names; i++) {
    char *arguments[] = {"/usr/bin/openssl", "dgst", (char *)names[i], "/data", 0};
    program(arguments);
  }
}

static void pythons(unsigned n) {
  char *arguments[] = {"/usr/bin/python3.11", "-c", "pass", 0};
  for (unsigned i = 0; i < n; i++) program(arguments);
}

int coremark_main(int argc, char *argv[]);

/* CoreMark's own arguments: three seeds, iterations, algorithms, contexts, size. */
static void coremark(unsigned n) {
  char iterations[12];
  snprintf(iterations, sizeof iterations, "%u", n);
  char *arguments[] = {"coremark", "0x0", "0x0", "0x66", iterations, "7", "1", "2000", 0};
  coremark_main(8, arguments);
}

static const struct {
  const char *name;
  void (*run)(unsigned);
  unsigned times;
} kinds[] = {
  {"integer", integer, 60000000},
  {"memory", memory, 6000},
  {"random loads", random_loads, 40000000},
  {"system calls", system_calls, 200000},
  {"pipe", pipes, 10000},
  {"fork", forks, 400},
  {"page faults", page_faults, 80},
  {"VFP f64", vfp_doubles, 6000000},
  {"libm", math_library, 400000},
  {"NEON int16", neon_integers, 60000},
  {"NEON f32", neon_floats, 10000},
  {"memcpy", copies, 200},
  {"CoreMark", coremark, 3000},
  {"OpenSSL", digests, 6},
  {"Python", pythons, 4},
};

static uint64_t nanoseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

int main(void) {
  words = mmap(0, 8 * MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
  for (unsigned k = 0; k < 2 * MIB; k++) words[k] = k * 2654435761u;
  setvbuf(stdout, 0, _IONBF, 0);
  for (unsigned i = 0; i < sizeof kinds / sizeof *kinds; i++) {
    printf("WORK begins: %s\n", kinds[i].name);
    uint64_t begin = nanoseconds();
    kinds[i].run(kinds[i].times);
    printf("WORK ends: %s: %llu ns\n", kinds[i].name, (unsigned long long)(nanoseconds() - begin));
  }
  printf("WORK done\n");
  for (;;) pause();
}
