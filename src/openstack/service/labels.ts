/** Labels of an endpoint. Names come from tenants: what they become never leaves the prefix that is theirs. */
import type { Project } from './neutron.ts';

const LABEL_LENGTH = 63;
/** A group's name follows `openstack-` in the key, and its prefix counts too. */
const GROUP_NAME_LENGTH = 27;

/** Has every endpoint in the group with this id. */
export function groupLabel(id: string): string {
  return `sg.projectcalico.org/openstack-${id}`;
}

/** Has every endpoint whose port security is off. */
export const UNPOLICED = 'projectcalico.org/openstack-port-security-disabled';

/** The text as a label may have it: other characters become `_`, what is too long is cut, ends are letters or digits. */
export function sanitised(text: string, length: number = LABEL_LENGTH): string {
  return text
    .replace(/[^a-zA-Z0-9_.-]/gu, '_')
    .slice(0, length)
    .replace(/^[_.-]+|[_.-]+$/g, '');
}

/** Of the groups that an endpoint is in. Where names become alike, the label by name has the smallest id. */
export function groupLabels(groups: readonly { readonly id: string; readonly name: string }[]): Record<string, string> {
  const labels: Record<string, string> = {};
  for (const { id, name } of [...groups].sort((a, b) => (a.id < b.id ? 1 : -1))) {
    const label = sanitised(name, GROUP_NAME_LENGTH);
    labels[groupLabel(id)] = label;
    if (label !== '') labels[`sg-name.projectcalico.org/openstack-${label}`] = id;
  }
  return labels;
}

/** Of the project that a port belongs to. A parent may be null, in upstream's labels too. */
export function projectLabels(project: Project): Record<string, string | null> {
  const labels: Record<string, string | null> = { 'projectcalico.org/openstack-project-id': project.id };
  if (project.name !== undefined) labels['projectcalico.org/openstack-project-name'] = sanitised(project.name);
  if (project.parent_id !== undefined) labels['projectcalico.org/openstack-project-parent-id'] = project.parent_id;
  return labels;
}
