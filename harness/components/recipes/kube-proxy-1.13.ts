/**
 * kube-proxy 1.13, the version of seed 003. That release has no go.mod: its dependencies lay in vendor/, which a module's
 * zip leaves out. What is in the zip, staging sources included, is built as it is; the modules that kube-proxy reaches
 * beyond it are pinned here, at the versions of the first release that has a go.mod (1.15.0), but for
 * - kube-openapi, which is too new there;
 * - two modules that have moved, and one that is gone and that kube-proxy never serves: a stub stands in for it.
 */

/** Module and version, one a line. */
const PINS = `
github.com/NYTimes/gziphandler v0.0.0-20170623195520-56545f4a5d46
github.com/PuerkitoBio/purell v1.1.0
github.com/PuerkitoBio/urlesc v0.0.0-20170810143723-de5bf2ad4578
github.com/beorn7/perks v0.0.0-20180321164747-3a771d992973
github.com/davecgh/go-spew v1.1.1
github.com/docker/distribution v0.0.0-20170726174610-edc3ab29cdff
github.com/docker/docker v0.7.3-0.20190327010347-be7ac8be2ae0
github.com/docker/go-units v0.3.3
github.com/docker/libnetwork v0.0.0-20180830151422-a9cd636e3789
github.com/elazarl/go-bindata-assetfs v1.0.1
github.com/emicklei/go-restful v0.0.0-20170410110728-ff4f55a20633
github.com/go-openapi/jsonpointer v0.19.0
github.com/go-openapi/jsonreference v0.19.0
github.com/go-openapi/spec v0.17.2
github.com/go-openapi/swag v0.17.2
github.com/godbus/dbus v0.0.0-20151105175453-c7fdd8b5cd55
github.com/gogo/protobuf v0.0.0-20171007142547-342cbe0a0415
github.com/golang/groupcache v0.0.0-20160516000752-02826c3e7903
github.com/golang/protobuf v1.2.0
github.com/google/btree v0.0.0-20160524151835-7d79101e329e
github.com/google/gofuzz v0.0.0-20170612174753-24818f796faf
github.com/google/uuid v1.0.0
github.com/googleapis/gnostic v0.0.0-20170729233727-0c5108395e2d
github.com/gregjones/httpcache v0.0.0-20170728041850-787624de3eb7
github.com/hashicorp/golang-lru v0.5.0
github.com/imdario/mergo v0.3.5
github.com/json-iterator/go v0.0.0-20180701071628-ab8a2e0c74be
github.com/mailru/easyjson v0.0.0-20180823135443-60711f1a8329
github.com/matttproud/golang_protobuf_extensions v1.0.1
github.com/modern-go/concurrent v0.0.0-20180306012644-bacd9c7ef1dd
github.com/modern-go/reflect2 v1.0.1
github.com/opencontainers/go-digest v0.0.0-20170106003457-a6d0ee40d420
github.com/opencontainers/runc v0.0.0-20181113202123-f000fe11ece1
github.com/opencontainers/runtime-spec v1.0.0
github.com/pborman/uuid v1.2.0
github.com/peterbourgon/diskv v2.0.1+incompatible
github.com/pkg/errors v0.8.0
github.com/prometheus/client_golang v0.9.2
github.com/prometheus/client_model v0.0.0-20180712105110-5c3871d89910
github.com/prometheus/common v0.0.0-20181126121408-4724e9255275
github.com/prometheus/procfs v0.0.0-20181204211112-1dc9a6cbc91a
github.com/sirupsen/logrus v1.2.0
github.com/spf13/cobra v0.0.0-20180319062004-c439c4fa0937
github.com/spf13/pflag v1.0.1
github.com/vishvananda/netlink v0.0.0-20171020171820-b2de5d10e38e
github.com/vishvananda/netns v0.0.0-20171111001504-be1fbeda1936
golang.org/x/crypto v0.0.0-20181025213731-e84da0312774
golang.org/x/net v0.0.0-20190206173232-65e2d4e15006
golang.org/x/oauth2 v0.0.0-20190402181905-9f3314589c9a
golang.org/x/sys v0.0.0-20190209173611-3b5209105503
golang.org/x/text v0.3.1-0.20181227161524-e6919f6577db
golang.org/x/time v0.0.0-20161028155119-f51c12702a4d
gopkg.in/inf.v0 v0.9.0
gopkg.in/square/go-jose.v2 v2.0.0-20180411045311-89060dee6a84
gopkg.in/yaml.v2 v2.2.1
k8s.io/klog v0.3.1
k8s.io/kube-openapi v0.0.0-20181109181836-c59034cc13d5
k8s.io/utils v0.0.0-20190221042446-c2654d5206da
sigs.k8s.io/yaml v1.1.0
`;

/** Modules that are found under another name today. */
const MOVED: readonly (readonly [from: string, to: string, version: string])[] = [
  [
    'bitbucket.org/ww/goautoneg',
    'github.com/munnerz/goautoneg',
    'v0.0.0-20191010083416-a7dc8b61c822',
  ],
  ['github.com/renstrom/dedent', 'github.com/lithammer/dedent', 'v1.1.0'],
];

/** The API of it that the sources name; the server that would use it is never started in kube-proxy. */
const GONE = {
  module: 'github.com/emicklei/go-restful-swagger12',
  folder: 'coalmine-stub/swagger',
  goMod: 'module github.com/emicklei/go-restful-swagger12\n',
  source: `package swagger

import restful "github.com/emicklei/go-restful"

type Config struct {
	ApiPath, SwaggerPath, SwaggerFilePath string
	SchemaFormatHandler                   func(typeName string) string
	WebServices                           []*restful.WebService
}

func RegisterSwaggerService(Config, *restful.Container) {}
`,
};

/** Files to write into a copy of the sources of 1.13, by path, so that Go can build it. */
export function kubeProxy113Files(staging: readonly string[]): Map<string, string> {
  const pins = PINS.trim().split('\n');
  const goMod = [
    'module k8s.io/kubernetes',
    'go 1.12',
    'require (',
    ...pins,
    ...[...MOVED.map(([from]) => from), GONE.module, ...staging].map((name) => `${name} v0.0.0`),
    ')',
    'replace (',
    // Without it a dependency's own go.mod could raise a pin.
    ...pins.map((pin) => `${pin.split(' ')[0] ?? ''} => ${pin}`),
    ...MOVED.map(([from, to, version]) => `${from} => ${to} ${version}`),
    `${GONE.module} => ./${GONE.folder}`,
    ...staging.map((name) => `${name} => ./staging/src/${name}`),
    ')',
    '',
  ].join('\n');
  return new Map([
    ['go.mod', goMod],
    [`${GONE.folder}/go.mod`, GONE.goMod],
    [`${GONE.folder}/swagger.go`, GONE.source],
    ...staging.map((name) => [`staging/src/${name}/go.mod`, `module ${name}\n`] as const),
  ]);
}
