import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { unmodifiedPages } from './program-pages.ts'

const PROGRAM = '/opt/a node/bin/node'
const CLEAN = { Shared_Dirty: 0, Private_Dirty: 0, Anonymous: 0, Swap: 0 }
const TEXT = `0082e000-03489000 r-xp 0042e000 fe:00 5367753                            ${PROGRAM}`

function mapping(heading: string, fields: Readonly<Record<string, number | string>> = CLEAN): string {
  const lines = Object.entries({ Size: 45420, Rss: 15908, ...fields }).map(
    ([name, value]) => `${`${name}:`.padEnd(16)}${String(value).padStart(8)} kB`,
  )
  return [heading, ...lines, 'THPeligible:           0', 'VmFlags: rd ex mr mw me '].join('\n')
}

const rangesOf = (...mappings: string[]): string[] =>
  unmodifiedPages(`${mappings.join('\n')}\n`, PROGRAM).map(({ from, to }) => `${from.toString(16)}-${to.toString(16)}`)

test("the program's read-only mappings are found, wherever they are", () => {
  const found = rangesOf(
    mapping(`00400000-0082e000 r--p 00000000 fe:00 5367753                            ${PROGRAM}`),
    mapping(TEXT),
    mapping('02612b00-03489000 rw-p 00000000 00:00 0                                  [heap]'),
    mapping(`7f5267dc0000-7f5267fd5000 r-xp 01627000 fe:00 5367753                    ${PROGRAM}`),
  )
  assert.deepEqual(found, ['400000-82e000', '82e000-3489000', '7f5267dc0000-7f5267fd5000'])
})

test('so are those of libraries, by whatever version, but no other file', () => {
  const of = (path: string): string[] => rangesOf(mapping(TEXT.replace(PROGRAM, path)))
  for (const path of ['/lib/x86_64-linux-gnu/libc.so.6', '/usr/lib/libstdc++.so.6.0.30', '/opt/libown.so'])
    assert.deepEqual(of(path), ['82e000-3489000'], path)
  for (const path of [
    '/usr/lib/locale/locale-archive',
    '/lib/libc.so.6 (deleted)',
    '/lib/libc.so.',
    '/lib/libc.so.6/x',
    'libc.so',
  ])
    assert.deepEqual(of(path), [], path)
})

test('a mapping with a page that is not the file’s any more is left alone', () => {
  for (const field of Object.keys(CLEAN)) assert.deepEqual(rangesOf(mapping(TEXT, { ...CLEAN, [field]: 4 })), [], field)
})

test('a mapping of which the kernel does not say so is left alone', () => {
  for (const field of Object.keys(CLEAN)) {
    const { [field]: _, ...rest } = { ...CLEAN } as Record<string, number>
    assert.deepEqual(rangesOf(mapping(TEXT, rest)), [], field)
    assert.deepEqual(rangesOf(mapping(TEXT, { ...rest, [field]: '?' })), [], field)
    assert.deepEqual(rangesOf(mapping(TEXT, { ...rest, [field]: '-0' })), [], field)
  }
  assert.deepEqual(rangesOf(TEXT), [])
})

test('what one mapping lacks the next does not make up for', () => {
  const { Swap: _, ...rest } = CLEAN
  assert.deepEqual(rangesOf(mapping(TEXT, rest), mapping('03500000-03600000 r--p 00000000 00:00 0 ')), [])
  assert.deepEqual(rangesOf(mapping(TEXT, rest), mapping(TEXT.replace('0082e000', '00900000'))), ['900000-3489000'])
})

test('what is not surely an unmodified part of the program is left alone', () => {
  for (const heading of [
    TEXT.replace('r-xp', 'rw-p'),
    TEXT.replace('r-xp', 'rwxp'),
    TEXT.replace('r-xp', 'r-xs'),
    TEXT.replace('r-xp', '--xp'),
    TEXT.replace('5367753', '0'),
    TEXT.replace(PROGRAM, `/tmp${PROGRAM}`),
    `${TEXT} (deleted)`,
    `${TEXT}.old`,
    TEXT.replace('0082e000', '0082e001'),
    TEXT.replace('03489000', '03489fff'),
    TEXT.replace('0082e000', '00000000'),
    TEXT.replace('0082e000', '03489000'),
    TEXT.replace('0082e000', '04000000'),
    TEXT.replace('0082e000', '0xx2e000'),
    TEXT.replace('03489000', 'ffffffffff601000'),
    TEXT.replace('03489000', '10000000003489000'),
    TEXT.replace('0042e000 fe:00 ', ''),
    PROGRAM,
    '',
  ])
    assert.deepEqual(rangesOf(mapping(heading)), [], heading)
})

test('what is no description of a process has no pages', () => {
  for (const text of ['', '\n', '\0', 'VmFlags: rd', 'Swap: 0 kB\n'.repeat(8)])
    assert.deepEqual(unmodifiedPages(text, PROGRAM), [])
})

test('this process has some', { skip: process.platform !== 'linux' && 'there is no /proc' }, () => {
  const ranges = unmodifiedPages(readFileSync('/proc/self/smaps', 'utf8'), process.execPath)
  assert.ok(ranges.length > 0)
})
