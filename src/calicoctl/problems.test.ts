/** get -o wide says which stored policies cannot be used, and nothing more where all can be. */
import { expect, it } from 'vitest';
import { terminal } from './testing/terminal.ts';

const GOOD = `
apiVersion: projectcalico.org/v3
kind: GlobalNetworkPolicy
metadata: {name: good}
spec: {selector: all(), order: 1}
`;

async function clusterOfOne() {
  const { store, call } = terminal();
  expect((await call(['apply', '-f', '-'], GOOD)).exit).toBe(0);
  const wide = async () => {
    const { exit, out } = await call(['get', 'gnp', '-o', 'wide']);
    expect(exit).toBe(0);
    return out;
  };
  return { store, wide };
}

it('has the column only where there is a problem', async () => {
  const { store, wide } = await clusterOfOne();
  expect((await wide()).split('\n')[0]).toMatch(/^NAME +ORDER +SELECTOR +$/);
  const key = '/calico/resources/v3/projectcalico.org/globalnetworkpolicies/default.';
  const { value } = (await store.get(`${key}good`))!;
  await store.create(`${key}typo`, value.replaceAll('good', 'typo').replace('"all()"', '"role = x"'));
  await store.create(`${key}broken`, '{');
  const lines = (await wide()).trimEnd().split('\n');
  expect(lines[0]).toMatch(/^NAME +ORDER +SELECTOR +PROBLEM +$/);
  expect(lines.find((line) => line.startsWith('good '))?.trim()).toMatch(/all\(\)$/);
  expect(lines.find((line) => line.startsWith('typo '))).toMatch(/role = x +expected an operator/);
  expect(lines.find((line) => line.startsWith('broken '))).toMatch(/JSON/);
});
