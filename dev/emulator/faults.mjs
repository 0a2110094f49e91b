// @ts-check
/**
 * Rules that spoil chosen requests. A rule names the requests it is for, which of them it hits, and what happens to those.
 *
 * @typedef {{ kind: string, [detail: string]: any }} Fault
 *
 * @typedef {object} FaultRule
 * @property {string} id
 * @property {{ action?: string, provider?: string, taskId?: string, method?: string, nth?: number | number[] }} match
 * @property {number} times how often it hits; -1: for ever
 * @property {number} skip how many matching requests pass first
 * @property {Fault} fault
 * @property {number} seen
 * @property {number} hits
 */
import { randomUUID } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { checkOf } from './contract.mjs';
import { reply } from './http.mjs';

/** @typedef {import('./contract.mjs').Schema} Schema */
/** @typedef {import('./http.mjs').Reply} Reply */

const text = { type: 'string' };
const status = { type: 'integer', minimum: 200, maximum: 599 };
const bytes = { type: 'integer', minimum: 0 };
const flag = { type: 'boolean' };
const makeTask = { makeTask: flag };
const anything = {};

/** @param {Record<string, Schema>} properties @param {string[]} [required] */
const details = (properties, required = []) => ({
	type: 'object',
	properties: { kind: text, ...properties },
	required,
	additionalProperties: false,
});

/** In place of the true answer; a paid or stored effect behind it only comes about with `makeTask`. @type {Record<string, Schema>} */
const replacing = {
	status: details(
		{ status, body: anything, headers: { type: 'object' }, contentType: text, ...makeTask },
		['status'],
	),
	echo: details({ status, ...makeTask }, ['status']),
	html: details({ status, ...makeTask }),
	empty: details({ status, ...makeTask }),
	truncated: details(makeTask),
	malformed: details(makeTask),
	'wrong-json': details({ status, body: anything, ...makeTask }, ['body']),
	redirect: details({ status, location: text, ...makeTask }, ['location']),
	reset: details(makeTask),
	hang: details(makeTask),
};

/** The true answer, told or delivered otherwise. @type {Record<string, Schema>} */
const altering = {
	slow: details({ ms: bytes }, ['ms']),
	'task-id': details({ value: anything, omit: flag }),
	'task-status': details({ providerStatus: text, error: anything }, ['providerStatus']),
	'no-video': details({}),
	'bad-video-url': details({ value: anything }, ['value']),
	cut: details({ atBytes: bytes, chunked: flag }, ['atBytes']),
	stall: details({ atBytes: bytes }, ['atBytes']),
	trickle: details({ bytesPerSecond: { type: 'number', minimum: 1 } }, ['bytesPerSecond']),
	'wrong-length': details({ delta: { type: 'integer' } }, ['delta']),
	'not-video': details({ contentType: text, body: text }),
	packed: details({ chunked: flag }),
	padded: details({ bytes, packed: flag }, ['bytes']),
	'ignore-range': details({}),
	'wrong-range': details({}),
};

/** @type {Record<string, import('./contract.mjs').Check>} */
const checks = Object.fromEntries(
	Object.entries({ ...replacing, ...altering }).map(([kind, schema]) => [kind, checkOf(schema)]),
);

const checkRule = checkOf({
	type: 'object',
	required: ['fault'],
	additionalProperties: false,
	properties: {
		id: text,
		match: {
			type: 'object',
			additionalProperties: false,
			properties: {
				action: text,
				provider: text,
				taskId: text,
				method: text,
				nth: {
					type: ['integer', 'array'],
					minimum: 1,
					items: { type: 'integer', minimum: 1 },
				},
			},
		},
		times: { type: 'integer', minimum: -1 },
		skip: { type: 'integer', minimum: 0 },
		fault: {
			type: 'object',
			required: ['kind'],
			properties: { kind: { enum: Object.keys(checks) } },
		},
	},
});

/** @param {any} rule @param {string} name */
function faultBreaches(rule, name) {
	const found = checkRule(rule, name);
	return found.length > 0 ? found : checks[rule.fault.kind](rule.fault, `${name}.fault`);
}

export class FaultBook {
	/** @type {FaultRule[]} */ rules = [];

	/**
	 * @param {any} given one rule or an array of them
	 * @returns {import('./contract.mjs').Breach[]} empty when they were taken
	 */
	add(given) {
		const rules = [given].flat();
		const found = rules.flatMap((rule, i) => faultBreaches(rule, `rule ${i + 1}`));
		if (found.length > 0) return found;
		this.rules.push(
			...rules.map((rule) => ({
				id: randomUUID(),
				match: {},
				times: rule.match?.nth === undefined ? 1 : -1,
				skip: 0,
				...rule,
				seen: 0,
				hits: 0,
			})),
		);
		return [];
	}

	/**
	 * The first rule that hits this request decides; every rule that matches counts it.
	 *
	 * @param {import('./journal.mjs').Entry} entry
	 * @returns {Fault | null}
	 */
	strike(entry) {
		let struck = null;
		for (const rule of this.rules) {
			const { nth, ...wanted } = rule.match;
			if (
				Object.entries(wanted).some(
					([name, value]) => entry[/** @type {keyof typeof wanted} */ (name)] !== value,
				)
			)
				continue;
			rule.seen++;
			const chosen = nth === undefined ? rule.seen > rule.skip : [nth].flat().includes(rule.seen);
			if (struck || !chosen || (rule.times >= 0 && rule.hits >= rule.times)) continue;
			rule.hits++;
			struck = rule.fault;
		}
		entry.fault = struck?.kind ?? null;
		return struck;
	}

	reset() {
		this.rules = [];
	}
}

const WITH_EFFECT = ['create', 'upload', 'upload-request'];

/**
 * Whether a request struck by this fault still does what it came for.
 *
 * @param {Fault | null} fault
 * @param {string} action
 */
export const takesEffect = (fault, action) =>
	!fault ||
	!Object.hasOwn(replacing, fault.kind) ||
	!WITH_EFFECT.includes(action) ||
	fault.makeTask === true;

const PAGE =
	'<!doctype html><html><head><title>Just a moment...</title></head><body><h1>An emulated web page where JSON was expected</h1></body></html>\n';
const SAMPLE = reply(
	200,
	'{"data":{"task_id":"00000000-0000-4000-8000-000000000000","status":"CREATED","generated":[]}}',
	{ 'content-type': 'application/json' },
);

/**
 * @param {Fault} fault
 * @param {Reply | null} truth null when the request was kept from taking effect
 * @param {string} elsewhere this request's address on another origin of the emulator
 * @param {unknown} sent the body of this request
 * @returns {Reply}
 */
export function spoil(fault, truth, elsewhere, sent) {
	const answer = truth ?? SAMPLE;
	const { body } = answer;
	switch (fault.kind) {
		case 'status': {
			const isText = typeof fault.body === 'string';
			const type = fault.contentType ?? (isText ? 'text/plain' : 'application/json');
			return reply(
				fault.status,
				isText ? fault.body : fault.body === undefined ? '' : JSON.stringify(fault.body),
				{ 'content-type': type, ...fault.headers },
			);
		}
		case 'echo':
			return reply(
				fault.status,
				JSON.stringify({ message: `Invalid request: ${JSON.stringify(sent)}` }),
				{ 'content-type': 'application/json' },
			);
		case 'html':
			return reply(fault.status ?? 200, PAGE, { 'content-type': 'text/html; charset=utf-8' });
		case 'empty':
			return reply(fault.status ?? answer.status, '', { 'content-type': 'application/json' });
		case 'wrong-json':
			return reply(fault.status ?? answer.status, JSON.stringify(fault.body), {
				'content-type': 'application/json',
			});
		case 'not-video':
			return reply(200, fault.body ?? PAGE, {
				'content-type': fault.contentType ?? 'text/html; charset=utf-8',
			});
		case 'redirect':
			return reply(fault.status ?? 302, '', {
				location: fault.location === 'other-origin' ? elsewhere : fault.location,
			});
		case 'malformed':
			return {
				...answer,
				body: {
					bytes: Math.floor(body.bytes / 2),
					read: () => firstBytes(body, Math.floor(body.bytes / 2)),
				},
			};
		case 'truncated':
			return {
				...answer,
				delivery: { declare: body.bytes, stopAt: Math.floor(body.bytes / 2), end: 'reset' },
			};
		case 'reset':
			return { ...answer, delivery: { end: 'reset' } };
		case 'hang':
			return { ...answer, delivery: { end: 'hang' } };
		case 'slow':
			return { ...answer, delivery: { afterMs: fault.ms } };
		case 'cut':
			return {
				...answer,
				delivery: { stopAt: fault.atBytes, end: 'reset', chunked: fault.chunked },
			};
		case 'stall':
			return { ...answer, delivery: { stopAt: fault.atBytes, end: 'hang' } };
		case 'trickle':
			return { ...answer, delivery: { bytesPerSecond: fault.bytesPerSecond } };
		case 'packed':
			return packed(answer, fault.chunked);
		case 'padded': {
			const long = { ...answer, body: padded(body, fault.bytes), delivery: { chunked: true } };
			return fault.packed ? packed(long, true) : long;
		}
		case 'wrong-length':
			return { ...answer, delivery: { declare: Math.max(0, body.bytes + fault.delta) } };
		default:
			return answer;
	}
}

/**
 * The same bytes, packed although nobody asked for it.
 * @param {Reply} answer whose body is held in memory
 * @param {boolean | undefined} chunked without a content-length
 * @returns {Reply}
 */
function packed({ status, headers, body }, chunked) {
	const buffer = gzipSync(Buffer.concat([.../** @type {Iterable<Buffer>} */ (body.read())]));
	return {
		...reply(status, buffer, { ...headers, 'content-encoding': 'gzip' }),
		delivery: { chunked },
	};
}

const BLANKS = Buffer.alloc(64 * 1024, ' ');

/**
 * The same content behind so many blanks that it is this long; they are written as they are read.
 * @param {import('./http.mjs').Body} body held in memory
 * @param {number} bytes
 * @returns {import('./http.mjs').Body}
 */
const padded = (body, bytes) => ({
	bytes: Math.max(bytes, body.bytes),
	*read() {
		for (let left = bytes - body.bytes; left > 0; left -= BLANKS.length) {
			yield BLANKS.subarray(0, left);
		}
		yield* /** @type {Iterable<Buffer>} */ (body.read());
	},
});

/**
 * @param {import('./http.mjs').Body} body
 * @param {number} count
 */
async function* firstBytes(body, count) {
	let left = count;
	for await (const chunk of body.read()) {
		if (left <= 0) return;
		yield chunk.subarray(0, left);
		left -= chunk.length;
	}
}
