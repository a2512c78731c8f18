/** A small strict reader of XML, so that a test can see what another program would see. Throws on what is not well-formed. */
export interface Outline {
  name: string;
  attributes: Record<string, string>;
  text: string;
  children: Outline[];
}

const TOKEN =
  /<\?xml [^?]*\?>|<(\/?)([A-Za-z][\w-]*)((?: [A-Za-z][\w-]*="[^"<]*")*)(\/?)>|([^<]+)/gy;

export function outlineXml(xml: string): Outline {
  const root: Outline = { name: '', attributes: {}, text: '', children: [] };
  const open: Outline[] = [root];
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < xml.length) {
    const at = TOKEN.lastIndex;
    const match = TOKEN.exec(xml);
    if (match === null) throw new Error(`not well-formed at ${at}: ${xml.slice(at, at + 40)}`);
    const [, slash, name, attributes = '', empty, text] = match;
    const parent = open.at(-1)!;
    if (text !== undefined) parent.text += unescape(text);
    else if (name === undefined) continue;
    else if (slash === '/') {
      if (open.pop()?.name !== name) throw new Error(`</${name}> closes another element`);
    } else {
      const child: Outline = {
        name,
        attributes: readAttributes(attributes),
        text: '',
        children: [],
      };
      parent.children.push(child);
      if (empty !== '/') open.push(child);
    }
  }
  if (open.length !== 1 || root.children.length !== 1) throw new Error('not one root element');
  return root.children[0]!;
}

function readAttributes(text: string): Record<string, string> {
  const found = [...text.matchAll(/ ([\w-]+)="([^"]*)"/g)];
  return Object.fromEntries(found.map(([, key = '', value = '']) => [key, unescape(value)]));
}

const NAMED: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

function unescape(text: string): string {
  return text.replaceAll(/&([^;&]*;?)/g, (whole, entity: string) => {
    const code = /^#(\d+);$/.exec(entity)?.[1];
    const value =
      code === undefined ? NAMED[entity.slice(0, -1)] : String.fromCodePoint(Number(code));
    if (value === undefined) throw new Error(`no entity ${whole}`);
    return value;
  });
}
