// @ts-check
/** @typedef {import('./answer.mjs').Answer} Answer */
/** @typedef {import('./answer.mjs').Table} Table */

/** @param {Table} table */
function layOut({ caption, columns, rows }) {
	const widths = columns.map((title, column) =>
		Math.max(title.length, ...rows.map((row) => (row[column] ?? '').length)),
	);
	const line = (/** @type {string[]} */ cells) =>
		cells
			.map((cell, column) => {
				const width = /** @type {number} */ (widths[column]);
				// The first column names things, all others are figures.
				return column === 0 ? cell.padEnd(width) : cell.padStart(width);
			})
			.join('   ')
			.trimEnd();
	return [
		...(caption ? [`${caption}`] : []),
		line(columns),
		line(widths.map((width) => '-'.repeat(width))),
		...rows.map(line),
	].join('\n');
}

/** @param {Answer} answer */
export function print({ id, title, tables, targets, losses }) {
	console.log(`\n(${id}) ${title}\n`);
	for (const table of tables) console.log(`${layOut(table)}\n`);
	for (const { text, measured, met } of targets)
		console.log(`${met ? '✓' : '✗'} ${text}: ${measured}`);
	for (const loss of losses) console.log(`- ${loss}`);
}
