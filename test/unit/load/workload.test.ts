import assert from 'node:assert/strict';
import { RUN_LABEL } from '../../../harness/core/names.ts';
import { workload, WORKLOAD_DEPLOYMENT } from '../../../harness/load/workload.ts';

interface Port {
  name: string;
  targetPort: string | number;
}
interface ServiceSpec {
  selector?: Record<string, string>;
  ports: Port[];
  [field: string]: unknown;
}

describe('workload', () => {
  const objects = workload({ runId: 'r1', image: 'coalmine/load:1', replicas: 3 });
  const services = objects
    .filter(({ kind }) => kind === 'Service')
    .map((each) => ({ name: each.metadata.name, spec: each['spec'] as ServiceSpec }));

  it('says whose run it is on the namespace alone, which comes first: all else is the same in each run', () => {
    const [namespace, ...others] = objects;
    assert.equal(namespace?.kind, 'Namespace');
    assert.equal(namespace.metadata.labels?.[RUN_LABEL], 'r1');
    const [, ...again] = workload({ runId: 'r2', image: 'coalmine/load:1', replicas: 3 });
    assert.deepEqual(again, others);
    const names = objects.map(({ kind, metadata }) => `${kind}/${metadata.name}`);
    assert.equal(new Set(names).size, names.length);
  });

  it('has one Service of each kind', () => {
    const having = (fits: (spec: ServiceSpec) => boolean) =>
      services.filter(({ spec }) => fits(spec)).map(({ name }) => name);
    assert.deepEqual(
      having((spec) => spec.ports.length > 1),
      ['echo'],
    );
    assert.deepEqual(
      having((spec) => spec['clusterIP'] === 'None'),
      ['echo-headless'],
    );
    assert.deepEqual(
      having((spec) => spec['sessionAffinity'] === 'ClientIP'),
      ['echo-sticky'],
    );
    assert.deepEqual(
      having((spec) => spec['externalTrafficPolicy'] === 'Local'),
      ['echo-node-port'],
    );
    assert.deepEqual(
      having((spec) => spec['internalTrafficPolicy'] === 'Local'),
      ['echo-node-local'],
    );
    assert.deepEqual(
      having((spec) => spec.selector === undefined),
      ['churned'],
    );
  });

  it('names only ports that the backends have', () => {
    const deployment = objects.find(({ kind }) => kind === 'Deployment');
    assert.equal(deployment?.metadata.name, WORKLOAD_DEPLOYMENT);
    const { replicas, template } = deployment['spec'] as {
      replicas: number;
      template: {
        metadata: { labels: Record<string, string> };
        spec: { containers: { ports: { name: string; containerPort: number }[] }[] };
      };
    };
    assert.equal(replicas, 3);
    const ports = template.spec.containers.flatMap((container) => container.ports);
    const known = ports.flatMap(({ name, containerPort }) => [name, containerPort]);
    for (const { name, spec } of services) {
      for (const { targetPort } of spec.ports) assert.ok(known.includes(targetPort), name);
      for (const [key, value] of Object.entries(spec.selector ?? {}))
        assert.equal(template.metadata.labels[key], value);
    }
  });
});
