// @ts-check
// Plots as SVG, from figures. One picture serves light and dark pages: no background, and colours between the two.

const WIDTH = 720;
const TEXT = '#7d8590';
const GRID = '#7d859040';
const FONT = 'font-family="system-ui, -apple-system, Segoe UI, Helvetica, Arial, sans-serif"';

/** Ours is always the first. */
export const COLOURS = ['#3b82f6', '#e08a2e', '#8b949e', '#a371f7', '#2da44e'];

/** @param {string} text */
const escape = (text) =>
	text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;').replace(/"/g, '&quot;');

/** @param {number} value */
const round = (value) => Math.round(value * 100) / 100;

/** @param {number} colour */
const colourOf = (colour) => /** @type {string} */ (COLOURS[colour % COLOURS.length]);

/**
 * @param {number} x
 * @param {number} y
 * @param {string} content
 * @param {{ anchor?: 'start' | 'middle' | 'end', size?: number, bold?: boolean, turned?: boolean }} [style]
 */
function text(x, y, content, { anchor = 'start', size = 12, bold = false, turned = false } = {}) {
	const turn = turned ? ` transform="rotate(-90 ${round(x)} ${round(y)})"` : '';
	return `<text x="${round(x)}" y="${round(y)}" font-size="${size}" text-anchor="${anchor}"${bold ? ' font-weight="600"' : ''}${turn}>${escape(content)}</text>`;
}

/**
 * @param {string} title
 * @param {number} height
 * @param {string[]} parts
 */
function picture(title, height, parts) {
	return [
		`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" aria-label="${escape(title)}">`,
		`<g fill="${TEXT}" ${FONT}>`,
		text(16, 26, title, { size: 15, bold: true }),
		...parts,
		'</g>',
		'</svg>',
		'',
	].join('\n');
}

const LEGEND_TOP = 50;
const LEGEND_LINE = 20;

/**
 * Names the colours, on as many lines as it takes.
 *
 * @param {{ name: string, colour: number, dashed?: boolean }[]} series
 * @param {'area' | 'line'} kind
 * @returns {{ parts: string[], height: number }}
 */
function legend(series, kind) {
	let x = 16;
	let y = LEGEND_TOP;
	const parts = series.flatMap(({ name, colour, dashed }) => {
		const width = 34 + name.length * 6.8;
		if (x > 16 && x + width > WIDTH) {
			x = 16;
			y += LEGEND_LINE;
		}
		const at = x;
		x += width;
		const paint = colourOf(colour);
		const sample =
			kind === 'area'
				? `<rect x="${round(at)}" y="${y - 9}" width="12" height="10" rx="2" fill="${paint}"/>`
				: `<path d="M${round(at)} ${y - 4}h14" stroke="${paint}" stroke-width="2.5"${dashed ? DASHES : ''}/>`;
		return [sample, text(at + 19, y, name)];
	});
	return { parts, height: y - LEGEND_TOP };
}

const DASHES = ' stroke-dasharray="5 4"';

/**
 * Horizontal bars, in groups; each says its value.
 *
 * @param {object} chart
 * @param {string} chart.title
 * @param {{ label: string, bars: { name: string, value: number, shown: string, colour: number }[] }[]} chart.groups
 * @param {boolean} [chart.hasLegend] false where each group is its own bar
 */
export function bars({ title, groups, hasLegend = true }) {
	const left = 16 + 6.8 * Math.max(...groups.map(({ label }) => label.length), 4) + 10;
	const right = WIDTH - 110;
	const most = Math.max(...groups.flatMap((group) => group.bars.map(({ value }) => value)));
	const thick = 17;
	const named = new Map(groups.flatMap((group) => group.bars.map((bar) => [bar.name, bar.colour])));
	const series = [...named].map(([name, colour]) => ({ name, colour }));

	const key = hasLegend ? legend(series, 'area') : { parts: [], height: -22 };
	const parts = [...key.parts];
	let y = LEGEND_TOP + key.height + 16;
	for (const group of groups) {
		const middle = y + (group.bars.length * (thick + 3)) / 2 + 3;
		parts.push(text(left - 10, middle, group.label, { anchor: 'end' }));
		for (const bar of group.bars) {
			const long = Math.max(1.5, ((right - left) * bar.value) / most);
			parts.push(
				`<rect x="${round(left)}" y="${y}" width="${round(long)}" height="${thick}" rx="2" fill="${colourOf(bar.colour)}"/>`,
				text(left + long + 7, y + 13, bar.shown),
			);
			y += thick + 3;
		}
		y += 12;
	}
	return picture(title, y + 4, parts);
}

/**
 * @typedef {object} Axis
 * @property {string} label
 * @property {boolean} [log]
 * @property {number[]} [ticks] by default chosen from the figures
 * @property {(value: number) => string} [shown]
 */

/** Round numbers that divide an axis. @param {number} from @param {number} to @param {boolean} log */
function chooseTicks(from, to, log) {
	if (log) {
		const first = Math.floor(Math.log10(from));
		const last = Math.ceil(Math.log10(to));
		return Array.from({ length: last - first + 1 }, (_, n) => 10 ** (first + n));
	}
	const rough = (to - from) / 5 || 1;
	const unit = 10 ** Math.floor(Math.log10(rough));
	const stepSize = unit * /** @type {number} */ ([1, 2, 5, 10].find((n) => n * unit >= rough));
	const count = Math.ceil(to / stepSize - 1e-9);
	return Array.from({ length: count + 1 }, (_, n) => n * stepSize);
}

/** @param {Axis} axis @param {number[]} values */
function scaleOf({ log = false, ticks, shown = (value) => value.toLocaleString('en') }, values) {
	const low = log ? Math.min(...values) : 0;
	const marks = ticks ?? chooseTicks(low, Math.max(...values), log);
	const place = (/** @type {number} */ value) => (log ? Math.log10(value) : value);
	const from = Math.min(place(/** @type {number} */ (marks[0])), place(low));
	const to = Math.max(place(/** @type {number} */ (marks.at(-1))), place(Math.max(...values)));
	return {
		marks: marks.map((value) => ({ value, label: shown(value) })),
		share: (/** @type {number} */ value) => (place(value) - from) / (to - from || 1),
	};
}

/**
 * @param {object} chart
 * @param {string} chart.title
 * @param {Axis} chart.x
 * @param {Axis} chart.y
 * @param {{ name: string, colour: number, points: [number, number][], dashed?: boolean, dots?: boolean }[]} chart.series
 */
export function lines({ title, x, y, series }) {
	const key = legend(series, 'line');
	const height = 360 + key.height;
	const area = { left: 74, right: WIDTH - 24, top: 68 + key.height, bottom: height - 56 };
	const across = scaleOf(
		x,
		series.flatMap(({ points }) => points.map(([value]) => value)),
	);
	const up = scaleOf(
		y,
		series.flatMap(({ points }) => points.map(([, value]) => value)),
	);
	const atX = (/** @type {number} */ value) =>
		round(area.left + across.share(value) * (area.right - area.left));
	const atY = (/** @type {number} */ value) =>
		round(area.bottom - up.share(value) * (area.bottom - area.top));
	const middle = (area.top + area.bottom) / 2;

	const parts = [
		...key.parts,
		...up.marks.flatMap(({ value, label }) => [
			`<path d="M${area.left} ${atY(value)}H${area.right}" stroke="${GRID}"/>`,
			text(area.left - 8, atY(value) + 4, label, { anchor: 'end' }),
		]),
		...across.marks.flatMap(({ value, label }) => [
			`<path d="M${atX(value)} ${area.bottom}v5" stroke="${TEXT}"/>`,
			text(atX(value), area.bottom + 20, label, { anchor: 'middle' }),
		]),
		`<path d="M${area.left} ${area.bottom}H${area.right}" stroke="${TEXT}"/>`,
		text((area.left + area.right) / 2, height - 12, x.label, { anchor: 'middle' }),
		text(20, middle, y.label, { anchor: 'middle', turned: true }),
	];
	for (const { colour, points, dashed, dots } of series) {
		const path = points.map(([a, b], n) => `${n === 0 ? 'M' : 'L'}${atX(a)} ${atY(b)}`).join('');
		parts.push(
			`<path d="${path}" fill="none" stroke="${colourOf(colour)}" stroke-width="2" stroke-linejoin="round"${dashed ? DASHES : ''}/>`,
			...(dots
				? points.map(
						([a, b]) =>
							`<circle cx="${atX(a)}" cy="${atY(b)}" r="3.5" fill="${colourOf(colour)}"/>`,
					)
				: []),
		);
	}
	return picture(title, height, parts);
}
