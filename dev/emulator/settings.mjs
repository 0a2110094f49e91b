// @ts-check
/** How the emulator behaves as long as no fault says otherwise. */
import { checkOf } from './contract.mjs';

/** @typedef {ReturnType<typeof defaultSettings>} Settings */
/** @typedef {{ nth: 'all' | number | number[], provider?: string, reason?: string, code?: number }} FailTasks */

/** @param {string[]} providers the names of the emulated APIs */
export const defaultSettings = (providers) => ({
	taskSeconds: /** @type {number | number[]} */ (2),
	queuedShare: 0.25,
	linkLifetimeSeconds: 3600,
	resultBytes: /** @type {number | null} */ (null),
	acceptRanges: true,
	referenceChecks: true,
	notFoundForMs: 0,
	extraStatusWord: /** @type {string | null} */ (null),
	maxConcurrent: /** @type {Record<string, number | null>} */ (
		Object.fromEntries(providers.map((name) => [name, null]))
	),
	concurrencyAnswer: /** @type {'429' | 'fail-1303'} */ ('429'),
	rateLimit: /** @type {{ perSecond: number, retryAfter?: number } | null} */ (null),
	failTasks: /** @type {FailTasks | null} */ (null),
	webhookSecret: 'emulator-webhook-secret',
	muleRouterWebhook: /** @type {{ url: string, secret: string } | null} */ (null),
	callbacks: {
		mode: /** @type {'normal' | 'drop' | 'duplicate' | 'reverse' | 'burst'} */ ('normal'),
		delayMs: 0,
		events: /** @type {string[] | null} */ (null),
	},
	magnificShape: {
		wrapCreate: true,
		generatedAs: /** @type {'string' | 'object'} */ ('string'),
		problemNested: false,
	},
	uploads: { expiresIn: 120, assetExpiresIn: 86_400, needsLength: true },
});

/** @typedef {import('./contract.mjs').Schema} Schema */
const amount = { type: 'number', minimum: 0 };
const flag = { type: 'boolean' };
const count = { type: ['integer', 'null'], minimum: 0 };
const text = { type: 'string' };
/** @type {(properties: Record<string, Schema>, more?: Schema) => Schema} */
const group = (properties, more) => ({
	type: 'object',
	properties,
	additionalProperties: false,
	...more,
});
const orNull = { type: ['object', 'null'] };

/** @param {string[]} providers */
const schema = (providers) =>
	group({
		taskSeconds: { type: ['array', 'number'], minimum: 0, items: amount, minItems: 1 },
		queuedShare: { type: 'number', minimum: 0, maximum: 1 },
		linkLifetimeSeconds: amount,
		resultBytes: count,
		acceptRanges: flag,
		referenceChecks: flag,
		notFoundForMs: amount,
		extraStatusWord: { type: ['string', 'null'] },
		maxConcurrent: group(Object.fromEntries(providers.map((name) => [name, count]))),
		concurrencyAnswer: { enum: ['429', 'fail-1303'] },
		rateLimit: group(
			{ perSecond: amount, retryAfter: amount },
			{ ...orNull, required: ['perSecond'] },
		),
		failTasks: group(
			{
				nth: {
					type: ['string', 'integer', 'array'],
					pattern: '^all$',
					items: { type: 'integer' },
				},
				provider: { enum: providers },
				reason: text,
				code: { type: 'integer' },
			},
			{ ...orNull, required: ['nth'] },
		),
		webhookSecret: text,
		muleRouterWebhook: group(
			{ url: { type: 'string', format: 'uri' }, secret: text },
			{ ...orNull, required: ['url', 'secret'] },
		),
		callbacks: group({
			mode: { enum: ['normal', 'drop', 'duplicate', 'reverse', 'burst'] },
			delayMs: amount,
			events: { type: ['array', 'null'], items: text },
		}),
		magnificShape: group({
			wrapCreate: flag,
			generatedAs: { enum: ['string', 'object'] },
			problemNested: flag,
		}),
		uploads: group({ expiresIn: amount, assetExpiresIn: amount, needsLength: flag }),
	});

/** By the names of the providers. @type {Map<string, import('./contract.mjs').Check>} */
const checks = new Map();

/** @param {Settings} settings */
function checkFor({ maxConcurrent }) {
	const providers = Object.keys(maxConcurrent);
	const key = providers.join();
	const check = checks.get(key) ?? checkOf(schema(providers));
	checks.set(key, check);
	return check;
}

/** Groups whose members are settings of their own, so that changing one leaves the others. */
const GROUPS = /** @type {const} */ (['maxConcurrent', 'callbacks', 'magnificShape', 'uploads']);

/**
 * @param {Settings} settings changed in place when all changes are sound
 * @param {any} changes
 * @returns {import('./contract.mjs').Breach[]}
 */
export function changeSettings(settings, changes) {
	const found = checkFor(settings)(changes);
	if (found.length > 0) return found;
	const merged = Object.fromEntries(
		GROUPS.filter((name) => changes[name]).map((name) => [
			name,
			{ ...settings[name], ...changes[name] },
		]),
	);
	Object.assign(settings, changes, merged);
	return [];
}
