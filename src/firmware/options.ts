/** The options of config.txt that are known, in one table: who reads each, what it is about, and where that is known from. */

/** Some options of one kind. */
export interface OptionGroup {
  /** The program that reads them: bootcode.bin, start.elf, or neither: a program on the Pi, which finds them in the file. */
  readonly reader: 'bootcode' | 'start' | 'system';
  readonly about: string;
  /** Where they are known from: the documentation, or the names that stand in the firmware's files. */
  readonly source: string;
  /** They can change what the Pi starts. */
  readonly decides: boolean;
  /** They can change what the kernel is told: its command line, its device tree. */
  readonly tells: boolean;
  readonly names: readonly string[];
}

const DOCUMENTATION = 'documentation of config.txt';
const LEGACY = 'documentation, "Legacy config.txt options"';
const IN_2015 = 'the names in start.elf of July 2015';
const IN_2024 = 'the names in start.elf of April 2024';
const IN_2026 = 'the names in start.elf of February 2026';

const group = (
  reader: OptionGroup['reader'],
  about: string,
  source: string,
  names: string,
  effect?: 'decides' | 'tells',
): OptionGroup => ({
  reader,
  about,
  source,
  decides: effect === 'decides',
  tells: effect === 'tells',
  names: names.trim().split(/\s+/),
});

export const OPTIONS: readonly OptionGroup[] = [
  group(
    'bootcode',
    'which files are the firmware, from which partition',
    'raspberrypi/firmware, issue 1076',
    'startx start_x start_debug start_file fixup_file boot_partition tryboot_a_b',
    'decides',
  ),
  group(
    'bootcode',
    'a file system within a file, from which all else is read',
    'documentation, "boot_ramdisk"; the names in bootcode.bin of 2026',
    'boot_ramdisk',
    'decides',
  ),
  group(
    'bootcode',
    'how the memory is split, and by that which firmware is loaded',
    DOCUMENTATION,
    'gpu_mem gpu_mem_256 gpu_mem_512 gpu_mem_1024 total_mem',
    'decides',
  ),
  group(
    'bootcode',
    'how bootcode.bin itself runs',
    'the names in bootcode.bin of 2015 and 2024',
    'require_total_mem legacy_mapping bootcode_delay force_pvt uart_2ndstage',
  ),
  group(
    'start',
    'which kernel, where, and what stands in front of it',
    DOCUMENTATION,
    'kernel kernel_address kernel_old armstub arm_64bit arm_control os_prefix upstream_kernel',
    'decides',
  ),
  group(
    'start',
    'the initramfs',
    DOCUMENTATION,
    'initramfs auto_initramfs ramfsfile ramfsaddr include',
    'decides',
  ),
  group(
    'start',
    'the device tree',
    DOCUMENTATION,
    'device_tree device_tree_address device_tree_end disable_commandline_tags',
    'decides',
  ),
  group('start', 'the command line', DOCUMENTATION, 'cmdline', 'tells'),
  group(
    'start',
    'overlays and parameters',
    'documentation, "Device trees, overlays, and parameters"; the names in start.elf of 2015 and 2024',
    'dtoverlay dtparam dtparams device_tree_overlay device_tree_param device_tree_params overlay_prefix dtdebug',
    'tells',
  ),
  group(
    'start',
    'waiting and what is seen at start',
    DOCUMENTATION,
    `boot_delay boot_delay_ms disable_splash test_mode avoid_warnings avoid_safe_mode safe_mode_gpio logging_level
     vcos_logging_level recovery_mode second_boot boot_load_flags bootloader_update enable_rpi_boot
     force_board_rev force_board_rev_ext force_core force_serial_number force_mac_address
     boot_signing_key0 boot_signing_key1 boot_signing_key2 boot_signing_key3 logging_force`,
  ),
  group(
    'start',
    'pins, UARTs and other hardware',
    DOCUMENTATION,
    `gpio enable_uart init_uart_clock init_uart_baud init_emmc_clock enable_jtag_gpio enable_gic otg_mode
     max_usb_current usb_mdio emmc_pll_core pciex4_reset usb_max_current_enable usb_boot_device
     disable_poe_fan power_force_3v3_pwm force_eeprom_read pmic_override vl805_no_spi vl805_hub2_file
     vl805_mcu_file disable_l2cache enable_l2cache_writealloc arm_peri_high dtoverlay_prefix`,
  ),
  group(
    'start',
    'what is written once into the SoC, for starting from USB or the net',
    'documentation, "Raspberry Pi boot modes"',
    `program_usb_boot_mode program_usb_boot_timeout program_gpio_bootmode program_batch_num program_board_rev
     program_bootrom program_emmc_boot program_mac_address program_mfgtest_fail program_sdhost_use_dma
     program_serial_number program_serial_random`,
  ),
  group(
    'start',
    'clocks, voltages and temperatures',
    'documentation, "Overclocking options"',
    `arm_freq arm_freq_min arm_boost core_freq core_freq_min core_freq_fixed gpu_freq gpu_freq_min h264_freq
     h264_freq_min isp_freq isp_freq_min v3d_freq v3d_freq_min hevc_freq hevc_freq_min sdram_freq sdram_freq_min
     over_voltage over_voltage_min over_voltage_avs over_voltage_avs_boost over_voltage_delta over_voltage_sdram
     over_voltage_sdram_min over_voltage_sdram_c over_voltage_sdram_c_min over_voltage_sdram_i
     over_voltage_sdram_i_min over_voltage_sdram_p over_voltage_sdram_p_min force_turbo initial_turbo
     never_over_voltage temp_limit temp_soft_limit current_limit_override disable_auto_turbo
     v3d_limiter sdram_schmoo avs_disable avs_temp pmic_turbo_threshold max_pll_freq`,
  ),
  group(
    'start',
    'HDMI',
    'documentation, "Video options" and "Legacy config.txt options"',
    `hdmi_safe hdmi_group hdmi_mode hdmi_drive hdmi_cvt hdmi_timings hdmi_force_hotplug hdmi_ignore_hotplug
     hdmi_edid_file hdmi_edid_filename hdmi_ignore_edid hdmi_ignore_edid_audio hdmi_ignore_edid_3d hdmi_force_edid_audio
     hdmi_force_edid_3d avoid_edid_fuzzy_match edid_content_type config_hdmi_boost config_hdmi_preemphasis
     hdmi_blanking hdmi_pixel_encoding hdmi_pixel_clock_type hdmi_pixel_freq_limit hdmi_pixel_freq_limit_min
     hdmi_channel_map hdmi_force_mode hdmi_ignore_cec hdmi_ignore_cec_init hdmi_force_cec_address cec_osd_name
     hdmi_enable_4kp60 hdmi_enable_4k hdmi_max_pixel_freq hdmi_audio_config hdmi_stream_channels hdmi_samples_limit
     hdmi_clock_change_limit hdmi_clock_change_rate hdmi_clock_spreading hdmi_dma_waits hdmi_mai_thresh
     hdmi_muting hdmi_deep_color hdmi_ignore_composite hdmi_preferred_port hdmi_force_rb2 hdmi_test
     hdmi_wifi_pixel_freq_adj enable_hdmi_status force_hdmi_open`,
  ),
  group(
    'start',
    'composite video, panels and their frame buffers',
    'documentation, "Video options" and "Legacy config.txt options"',
    `sdtv_mode sdtv_aspect sdtv_disable_colourburst sdtv_progressive_scan enable_tvout disable_overscan overscan_left
     overscan_right overscan_top overscan_bottom overscan_scale framebuffer_width framebuffer_height
     framebuffer_depth framebuffer_ignore_alpha framebuffer_priority framebuffer_align framebuffer_aspect
     framebuffer_swap max_framebuffer_width max_framebuffer_height max_framebuffers display_rotate
     display_hdmi_rotate display_lcd_rotate lcd_rotate lcd_framerate ignore_lcd disable_touchscreen
     display_default_lcd display_auto_detect disable_fw_kms_setup enable_dpi_lcd dpi_group dpi_mode dpi_timings
     dpi_output_format scaling_kernel dispmanx_offline dispmanx_lbm_max hvs_priority hvs_set_dither
     hvs_swap_red_blue hvs_gamma_test extra_transpose_buffer fake_vsync_isr refresh_change
     mask_gpu_interrupt0 mask_gpu_interrupt1`,
  ),
  group(
    'start',
    'sound, camera and codecs',
    DOCUMENTATION,
    `audio_pwm_mode disable_audio_dither enable_audio_dither pwm_sample_bits pwm_mode_pwm pause_burst_frames
     num_stream_blocks disable_camera_led camera_auto_detect awb_auto_is_greyworld ov5647_acls
     imx477_trigger_mode decode_MPG2 decode_WVC1 decode_DDP decode_DTS decode_0001 vd_min_images
     vd_isp_disable force_fast_deinterlace`,
  ),
  group(
    'start',
    'memory of the VideoCore',
    LEGACY,
    'cma_lwm cma_hwm cma_reserve cma_offline_start cma_offline_end remote_gpu_mem',
  ),
  group(
    'start',
    'clocks and other inner things',
    `${IN_2015}; ${IN_2024}`,
    `avoid_fix_ts avoid_pwm_pll disable_pvt reduced_axi osc_debug xosc_bias pin_test force_pwm_open
     max_clock_drift max_clock_drift_rate frequency_deviation_ppm fx_no_early_release modulation_frequency_hz
     spread_spectrum_enable desired_osc_freq desired_osc_freq2 desired_osc_freq_boost imx477_fstrobe_cont_trig
     imx477_fstrobe_delay imx477_fstrobe_enable imx477_fstrobe_stills_only imx477_fstrobe_width
     imx477_hsync_polarity imx477_hsync_width imx477_hv_sync_enable imx477_vsync_polarity imx477_vsync_width`,
  ),
  group(
    'start',
    'what came with a watchdog over the start, and other hardware',
    IN_2026,
    `kernel_watchdog_timeout kernel_watchdog_partition bootvar0 enable_rp1_uart force_ethernet_phy_address isp_use_vpu0
     lock_device_private_key min_core_voltage over_voltage_idle program_rpiboot_gpio`,
  ),
];

const BY_NAME = new Map(OPTIONS.flatMap((it) => it.names.map((name) => [name, it] as const)));

/** The group that an option of config.txt stands in; undefined where its name is not known. Names count with regard to case. */
export function optionGroup(name: string): OptionGroup | undefined {
  return BY_NAME.get(name);
}

/** Whether a line, which may be a section or an `include`, could change what the Pi starts, by the program that reads it. */
export function decides(line: string, reader: OptionGroup['reader']): boolean {
  if (line.trim().startsWith('[')) return true;
  const option = groupOfLine(line);
  return option?.decides === true && option.reader === reader;
}

/** Whether a line could change what that program tells the kernel. */
export function tells(line: string, reader: OptionGroup['reader']): boolean {
  const option = groupOfLine(line);
  return option?.tells === true && option.reader === reader;
}

function groupOfLine(line: string): OptionGroup | undefined {
  const name = line.trim().split(/[= \t:]/, 1)[0]!;
  return optionGroup(name) ?? optionGroup(name.toLowerCase());
}

/** Letters that may be wrong in a name, for the option that is meant to be told. */
const MISTAKES = 2;
/** Shorter names are near to too many others. */
const SHORTEST = 6;

/** The option that a name is one or two letters away from, or differs from in case; undefined where there is none. */
export function similarOption(name: string): string | undefined {
  const lower = name.toLowerCase();
  const names = [...BY_NAME.keys()];
  const same = names.find((it) => it.toLowerCase() === lower);
  if (same !== undefined || name.length < SHORTEST) return same;
  const near = names
    .map((it) => ({ it, far: distance(lower, it.toLowerCase()) }))
    .filter(({ far }) => far <= MISTAKES)
    .sort((a, b) => a.far - b.far);
  return near[0]?.it;
}

/** How many letters must be changed, put in or taken out to make `a` into `b` (Levenshtein); more than allowed is not counted. */
function distance(a: string, b: string): number {
  if (Math.abs(a.length - b.length) > MISTAKES) return MISTAKES + 1;
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const changed = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(changed, row[j]! + 1, next[j - 1]! + 1));
    }
    row = next;
  }
  return row[b.length]!;
}
