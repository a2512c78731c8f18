import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { hasCode } from '../../../harness/core/errors.ts';
import {
  linkerFlags,
  MODULE_RECIPES,
  packagesOfModule,
  stagingVersion,
} from '../../../harness/components/recipes/recipe.ts';
import { recipeFor } from '../../../harness/components/recipes/recipe-for.ts';
import { parseVersion } from '../../../harness/components/recipes/version.ts';
import { kubeProxy113Files } from '../../../harness/components/recipes/kube-proxy-1.13.ts';
import {
  hasDeadModule,
  readModuleFacts,
  wrapperGoMod,
  wrapperToolsGo,
} from '../../../harness/components/recipes/wrapper.ts';
import { isPackageLine } from '../../../harness/components/sources/go-build.ts';

const FIXTURE = path.resolve(
  import.meta.dirname,
  '../../fixtures/components/kubernetes-1.34.3.go.mod',
);

describe('version of a component', () => {
  it('loses its v, and keeps a pre-release', () => {
    assert.equal(parseVersion('kubelet', 'v1.34.3').text, '1.34.3');
    assert.deepEqual(parseVersion('kubelet', '1.35.0-rc.1'), {
      major: 1,
      minor: 35,
      text: '1.35.0-rc.1',
    });
  });

  for (const text of ['latest', 'v1.34', '1.34', '', '1.34.3 ', '1.34.3/../x', 'stable-1.34']) {
    it(`refuses ${JSON.stringify(text)} and says what to write`, () => {
      assert.throws(
        () => parseVersion('kubelet', text),
        (error) => hasCode(error, 'component') && (error.wayOut ?? '').includes('1.34.3'),
      );
    });
  }

  it('never lets through what could leave a folder', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        try {
          return /^[\w.-]+$/.test(parseVersion('kubelet', text).text);
        } catch (error) {
          return hasCode(error, 'component');
        }
      }),
    );
  });
});

describe('wrapper module', () => {
  it('requires the module and replaces each staging module by its published version', () => {
    const facts = readModuleFacts(readFileSync(FIXTURE, 'utf8'));
    assert.equal(facts.goVersion, '1.24.0');
    const version = parseVersion('kubelet', '1.34.3');
    assert.equal(
      wrapperGoMod({
        module: 'k8s.io/kubernetes',
        version: 'v1.34.3',
        facts: { ...facts, staging: facts.staging.slice(0, 2) },
        stagingVersion: stagingVersion(version),
      }),
      [
        'module coalmine/build',
        'go 1.24.0',
        'require k8s.io/kubernetes v1.34.3',
        'replace k8s.io/api => k8s.io/api v0.34.3',
        'replace k8s.io/apiextensions-apiserver => k8s.io/apiextensions-apiserver v0.34.3',
        '',
      ].join('\n'),
    );
    assert.equal(facts.staging.length, 14);
    assert.deepEqual(facts.stagingRequired, ['k8s.io/api', 'k8s.io/apimachinery']);
  });

  it('takes a single-line replace, and leaves those that do not point at staging', () => {
    const text = [
      'go 1.24',
      'replace k8s.io/api => ./staging/src/k8s.io/api',
      'replace a.example/b => ../b',
      'replace c.example/d => c.example/d v1.0.0',
    ].join('\n');
    assert.deepEqual(readModuleFacts(text).staging, ['k8s.io/api']);
  });

  it('says again what an old go.mod replaces, but for what nobody serves any longer', () => {
    const facts = readModuleFacts(
      [
        'go 1.15',
        'replace (',
        '\tk8s.io/api => ./staging/src/k8s.io/api',
        '\ta.example/b v1.0.0 => a.example/b v1.1.0',
        '\tc.example/d => e.example/f v2.0.0+incompatible',
        '\tvbom.ml/util => vbom.ml/util v0.0.0-20160121211510-db5cfe13f5cc',
        ')',
      ].join('\n'),
    );
    assert.deepEqual(facts.replaced, [
      'a.example/b v1.0.0 => a.example/b v1.1.0',
      'c.example/d => e.example/f v2.0.0+incompatible',
    ]);
    const stagingVersion = 'v0.19.16';
    const goMod = wrapperGoMod({ module: 'm', version: 'v1.19.16', facts, stagingVersion });
    assert.match(goMod, /^replace c\.example\/d => e\.example\/f v2\.0\.0\+incompatible$/m);
    assert.match(goMod, /^replace vbom\.ml\/util => \.\/empty$/m);
    assert.ok(!hasDeadModule(readModuleFacts(readFileSync(FIXTURE, 'utf8'))));
  });

  it('keeps the packages of every component of the module', () => {
    const tools = wrapperToolsGo(packagesOfModule('k8s.io/kubernetes'));
    assert.match(tools, /^\/\/go:build tools\n\npackage tools\n/);
    assert.match(tools, /\t_ "k8s\.io\/kubernetes\/cmd\/kubelet"\n/);
    assert.match(tools, /\t_ "k8s\.io\/kubernetes\/test\/images\/agnhost"\n/);
    assert.doesNotMatch(tools, /etcd/);
  });
});

describe('recipes', () => {
  it('stamp the version without which kubeadm refuses a binary', () => {
    const kubelet = MODULE_RECIPES.kubelet!;
    assert.equal(
      linkerFlags(kubelet, parseVersion('kubelet', '1.34.3')),
      '-s -w -X k8s.io/component-base/version.gitVersion=v1.34.3 ' +
        '-X k8s.io/component-base/version.gitMajor=1 -X k8s.io/component-base/version.gitMinor=34',
    );
    assert.equal(linkerFlags(MODULE_RECIPES.k6!, parseVersion('k6', '1.8.1')), '-s -w');
  });

  it('are chosen by version, and refuse the versions between them', () => {
    const how = (text: string) => recipeFor('kube-proxy', parseVersion('kube-proxy', text)).how;
    assert.equal(how('1.13.0'), 'tree');
    assert.equal(how('1.13.12'), 'tree');
    assert.equal(how('1.16.0'), 'wrapper');
    assert.equal(how('1.34.4'), 'wrapper');
    for (const text of ['1.12.9', '1.14.0', '1.15.12'])
      assert.throws(
        () => how(text),
        (error) =>
          hasCode(error, 'component') &&
          error.message === 'only 1.20 and newer, 1.16 to 1.19, 1.13 can be built',
      );
    assert.throws(() => recipeFor('kubelet', { major: 1, minor: 19 }), /only 1\.20 and newer can/);
    assert.throws(() => recipeFor('node', { major: 20, minor: 1 }), /not a Go program/);
  });

  it('stamp an old kube-proxy where it looks for its version', () => {
    const version = parseVersion('kube-proxy', '1.13.0');
    const flags = linkerFlags(recipeFor('kube-proxy', version), version);
    assert.match(flags, / -X k8s\.io\/kubernetes\/pkg\/version\.gitVersion=v1\.13\.0( |$)/);
  });

  it('pin every module of kube-proxy 1.13, so that no dependency can raise it', () => {
    const files = kubeProxy113Files(['k8s.io/api', 'k8s.io/client-go']);
    const goMod = files.get('go.mod') ?? '';
    const required = [...goMod.matchAll(/^(\S+\/\S+) v\S+$/gm)].map(([, name]) => name);
    const replaced = [...goMod.matchAll(/^(\S+) => /gm)].map(([, name]) => name);
    // 61 modules from elsewhere, the one that is gone, and the two staging modules.
    assert.equal(required.length, 61 + 1 + 2);
    assert.deepEqual(replaced.toSorted(), required.toSorted());
    assert.match(goMod, /^k8s\.io\/api => \.\/staging\/src\/k8s\.io\/api$/m);
    assert.equal(files.get('staging/src/k8s.io/api/go.mod'), 'module k8s.io/api\n');
    assert.match(goMod, /restful-swagger12 => \.\/coalmine-stub\/swagger$/m);
    assert.ok(files.has('coalmine-stub/swagger/go.mod'));
  });

  it('tell a compiled package from a message', () => {
    assert.ok(isPackageLine('k8s.io/kubernetes/pkg/kubelet'));
    assert.ok(isPackageLine('unicode'));
    assert.ok(!isPackageLine('go: downloading k8s.io/api v0.34.3'));
    assert.ok(!isPackageLine('./x.go:3:1: syntax error'));
  });
});
