import { describe, expect, test } from 'vitest';
import { decides, optionGroup, OPTIONS, similarOption, tells } from '../../src/firmware/options.js';
import { BOOTCODE_SETTINGS } from '../../src/firmware/bootcode.js';
import { readConfig } from '../../src/firmware/config.js';
import { memoryCard } from '../support/memory-card.js';

/** Names of options that stand in config.txt of these, as found in their public repositories in 2026; of piCore in pages about it. */
const FOUND = {
  LibreELEC: `gpu_mem start_x hdmi_ignore_cec_init include dtoverlay dtparam over_voltage arm_freq disable_splash
    disable_overscan hdmi_force_hotplug hdmi_enable_4kp60 kernel initial_turbo sdram_freq max_framebuffers
    disable_fw_kms_setup enable_tvout sdtv_mode force_turbo decode_MPG2 decode_WVC1`,
  Volumio: `initramfs gpu_mem max_usb_current dtparam audio_pwm_mode disable_splash hdmi_force_hotplug include`,
  DietPi: `arm_freq arm_freq_min camera_auto_detect config_hdmi_boost core_freq core_freq_min disable_camera_led
    disable_overscan dtoverlay dtparam enable_uart framebuffer_height framebuffer_width gpu_mem_256 gpu_mem_512
    gpu_mem_1024 hdmi_cvt hdmi_drive hdmi_force_hotplug hdmi_group hdmi_mode hdmi_blanking hdmi_ignore_hotplug
    hdmi_safe initial_turbo lcd_rotate over_voltage over_voltage_min overlay_prefix program_usb_boot_mode sdram_freq
    sdram_freq_min temp_limit framebuffer_depth framebuffer_ignore_alpha overscan_left overscan_right overscan_top
    overscan_bottom display_auto_detect arm_64bit arm_boost otg_mode`,
  Circle: 'arm_64bit armstub kernel kernel_address initial_turbo enable_jtag_gpio start_file fixup_file',
  Batocera: `kernel initramfs include boot_delay disable_splash cec_osd_name avoid_safe_mode hdmi_force_hotplug
    gpu_mem_256 gpu_mem_512 gpu_mem_1024 dtoverlay dtparam disable_overscan`,
  RetroPie: `overscan_scale gpu_mem_256 gpu_mem_512 gpu_mem_1024 disable_overscan hdmi_safe hdmi_drive sdtv_mode
    avoid_safe_mode avoid_warnings framebuffer_width framebuffer_height dtparam`,
  OSMC: `gpu_mem_1024 gpu_mem_512 gpu_mem_256 hdmi_ignore_cec_init start_x disable_overscan dtoverlay max_usb_current
    hdmi_mode hdmi_group hdmi_ignore_edid config_hdmi_boost hdmi_safe hdmi_pixel_encoding hdmi_ignore_cec hdmi_edid_file
    sdtv_mode sdtv_aspect sdram_freq core_freq arm_freq over_voltage display_rotate disable_splash gpu_mem kernel dtparam`,
  buildroot: `start_file fixup_file kernel initramfs disable_overscan overscan_left overscan_right overscan_top
    overscan_bottom gpu_mem gpu_mem_256 gpu_mem_512 gpu_mem_1024 dtoverlay dtparam arm_64bit enable_uart device_tree
    hdmi_force_hotplug`,
  OpenWrt: `include dtparam dtoverlay disable_overscan boot_delay bootcode_delay disable_splash gpu_mem arm_64bit
    enable_uart kernel`,
  BerryBoot: 'initramfs kernel arm_64bit disable_overscan start_x gpu_mem dtoverlay dtparam enable_uart',
  piCore: 'kernel initramfs cmdline gpu_mem dtparam dtoverlay disable_overscan start_file fixup_file',
  'bare-metal systems': `test_mode disable_pvt disable_l2cache fake_vsync_isr scaling_kernel disable_commandline_tags gpio
    sdtv_aspect hdmi_timings kernel_old device_tree_address`,
  'sdk of Raspberry Pi Ltd (rpi-sb-provisioner, rpi-image-gen)':
    'boot_ramdisk uart_2ndstage kernel_watchdog_timeout',
};

describe('the table of options', () => {
  test.each(Object.entries(FOUND))('knows every one that %s uses', (_, names) => {
    expect(
      names
        .trim()
        .split(/\s+/)
        .filter((name) => !optionGroup(name)),
    ).toEqual([]);
  });

  test('has each name once, and every setting of bootcode.bin as one', () => {
    const names = OPTIONS.flatMap((group) => group.names);
    expect(names.filter((name, i) => names.indexOf(name) !== i)).toEqual([]);
    for (const name of BOOTCODE_SETTINGS) expect(optionGroup(name)?.reader).toBe('bootcode');
  });

  test('tells what is meant by a name that is nearly one', () => {
    expect(similarOption('kernal_address')).toBe('kernel_address');
    expect(similarOption('Kernel')).toBe('kernel');
    expect(similarOption('decode_mpg2')).toBe('decode_MPG2');
    // Too short to be near to anything, or far from everything.
    expect(similarOption('gpo')).toBeUndefined();
    expect(similarOption('something_of_mine')).toBeUndefined();
  });

  test('says which lines can change what the Pi starts, by the program that reads them', () => {
    const of = (line: string): boolean[] => [decides(line, 'bootcode'), decides(line, 'start')];
    for (const line of ['kernel=a', 'initramfs a', 'include a', 'KERNEL=a', 'armstub a'])
      expect(of(line), line).toEqual([false, true]);
    for (const line of ['gpu_mem=16', 'start_x=1']) expect(of(line), line).toEqual([true, false]);
    expect(of('[pi3]')).toEqual([true, true]);
    for (const line of ['', '# kernel=a', 'hdmi_mode=4', 'dtoverlay=a', 'mine=1'])
      expect(of(line), line).toEqual([false, false]);
  });

  test('says which lines can change what the kernel is told', () => {
    for (const line of ['cmdline=a.txt', 'dtoverlay=a', 'dtparam=b=on', 'overlay_prefix=o/'])
      expect([tells(line, 'start'), tells(line, 'bootcode')], line).toEqual([true, false]);
    for (const line of ['kernel=a', 'hdmi_mode=4', '[pi3]', '# cmdline=a'])
      expect(tells(line, 'start'), line).toBe(false);
  });
});

test('lines of real cards are read without a note', async () => {
  const text = [
    'initramfs volumio.initrd',
    'gpu_mem=32',
    'max_usb_current=1',
    'dtparam=audio=on',
    'hdmi_cvt 1024 600 60 6 0 0 0',
    'dtoverlay=lirc-rpi:gpio_out_pin=17,gpio_in_pin=18',
    'gpio=22-27=a4',
    '[pi3]',
    'kernel=kernel8.img',
    '[all]',
  ].join('\n');
  const { notes, initramfs, settings } = await readConfig(memoryCard({ 'config.txt': text }));
  expect(notes).toEqual([]);
  expect(initramfs).toMatchObject({ names: ['volumio.initrd'], address: 'followkernel' });
  expect(settings.get('hdmi_cvt')?.value).toBe('1024 600 60 6 0 0 0');
});
