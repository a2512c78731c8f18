/** Enough XML to write JUnit: text from a cluster must not be able to end an element or to break the parser. */

/** What XML 1.0 cannot hold even as an entity: control characters, half surrogates, and two non-characters. */
const FORBIDDEN = /[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/gu;

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&apos;',
  '\n': '&#10;',
  '\r': '&#13;',
  '\t': '&#9;',
};

/** For attributes and for text alike; white space is written so that a parser gives it back as it was. */
export function escapeXml(text: string): string {
  return text
    .replaceAll(FORBIDDEN, '')
    .replaceAll(/[&<>"'\n\r\t]/g, (character) => ENTITIES[character] ?? '');
}

export type XmlNode = string | XmlElement;

export interface XmlElement {
  name: string;
  attributes: Readonly<Record<string, string | number>>;
  children: readonly XmlNode[];
}

export function element(
  name: string,
  attributes: Readonly<Record<string, string | number>>,
  children: readonly XmlNode[] = [],
): XmlElement {
  return { name, attributes, children };
}

export function renderXml(root: XmlElement): string {
  return `<?xml version="1.0" encoding="UTF-8"?>\n${render(root, '')}\n`;
}

function render(node: XmlNode, indent: string): string {
  if (typeof node === 'string') return indent + escapeXml(node);
  const attributes = Object.entries(node.attributes)
    .map(([key, value]) => ` ${key}="${escapeXml(String(value))}"`)
    .join('');
  const open = `${indent}<${node.name}${attributes}`;
  if (node.children.length === 0) return `${open}/>`;
  const [only] = node.children;
  if (node.children.length === 1 && typeof only === 'string') {
    return `${open}>${escapeXml(only)}</${node.name}>`;
  }
  const inner = node.children.map((child) => render(child, `${indent}  `)).join('\n');
  return `${open}>\n${inner}\n${indent}</${node.name}>`;
}
