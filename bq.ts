import { qemuTests, libcTests, testFloat } from '/work/wt/suites/scripts/lib/suites.js';
console.log(await qemuTests()); console.log(await libcTests()); console.log(await testFloat());
