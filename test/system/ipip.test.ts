// IP-in-IP between two hosts, in a VM: few kernels of containers and small machines have it.
import { beforeAll, describe, expect, test } from 'vitest';
import { IPIP_STEPS } from '../vm/ipip-steps.ts';
import { runInVm, whyNoVm } from '../vm/machine.ts';

const reason = whyNoVm();
if (reason) console.error(`\n!!! IP-in-IP IS NOT TESTED: no VM can be had here: ${reason}\n`);

describe.skipIf(reason !== null)('IP-in-IP', () => {
  let report: Record<string, string | null> = {};
  beforeAll(async () => {
    const { status, output, file } = await runInVm([process.execPath, 'test/vm/ipip.ts'], { seconds: 560 });
    console.log(output);
    expect(status, output).toBe(0);
    report = JSON.parse(file('report')) as typeof report;
  });

  test.for([...IPIP_STEPS])('%s', (step) => {
    // One that was not come to is undefined.
    expect(report[step], JSON.stringify(report)).toBe(null);
  });
});
