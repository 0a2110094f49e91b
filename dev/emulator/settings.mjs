// @ts-check
/** How the emulator behaves as long as no fault says otherwise. */
import { breaches } from './contract.mjs';

/** @typedef {ReturnType<typeof defaultSettings>} Settings */
/** @typedef {{ nth: 'all' | number | number[], provider?: string, reason?: string, code?: number }} FailTasks */

export const defaultSettings = () => ({
	taskSeconds: /** @type {number | number[]} */ (2),
	queuedShare: 0.25,
	linkLifetimeSeconds: 3600,
	resultBytes: /** @type {number | null} */ (null),
	acceptRanges: true,
	referenceChecks: true,
	notFoundForMs: 0,
	extraStatusWord: /** @type {string | null} */ (null),
	maxConcurrent: {
		magnific: /** @type {number | null} */ (null),
		muleRouter: /** @type {number | null} */ (null),
	},
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

/** @typedef {import('./contract.mjs').Rule} Rule */
/** @type {Rule} */ const amount = { is: 'number', min: 0 };
/** @type {Rule} */ const flag = { is: 'boolean' };
/** @type {Rule} */ const count = { is: 'integer', min: 0, nullable: true };
/** @type {Rule} */ const text = { is: 'string' };
/** @type {(fields: Record<string, Rule>, nullable?: boolean) => Rule} */
const group = (fields, nullable = false) => ({ is: 'object', fields, nullable });

/** @type {Rule} */
const rules = group({
	taskSeconds: { either: [{ is: 'array', of: amount, min: 1 }, amount] },
	queuedShare: { is: 'number', min: 0, max: 1 },
	linkLifetimeSeconds: amount,
	resultBytes: count,
	acceptRanges: flag,
	referenceChecks: flag,
	notFoundForMs: amount,
	extraStatusWord: { ...text, nullable: true },
	maxConcurrent: group({ magnific: count, muleRouter: count }),
	concurrencyAnswer: { is: 'string', oneOf: ['429', 'fail-1303'] },
	rateLimit: group({ perSecond: { ...amount, required: true }, retryAfter: amount }, true),
	failTasks: group(
		{
			nth: {
				required: true,
				either: [
					{ is: 'string', oneOf: ['all'] },
					{ is: 'integer' },
					{ is: 'array', of: { is: 'integer' } },
				],
			},
			provider: { is: 'string', oneOf: ['magnific', 'muleRouter'] },
			reason: text,
			code: { is: 'integer' },
		},
		true,
	),
	webhookSecret: text,
	muleRouterWebhook: group(
		{ url: { is: 'url', required: true }, secret: { ...text, required: true } },
		true,
	),
	callbacks: group({
		mode: { is: 'string', oneOf: ['normal', 'drop', 'duplicate', 'reverse', 'burst'] },
		delayMs: amount,
		events: { is: 'array', of: text, nullable: true },
	}),
	magnificShape: group({
		wrapCreate: flag,
		generatedAs: { is: 'string', oneOf: ['string', 'object'] },
		problemNested: flag,
	}),
	uploads: group({ expiresIn: amount, assetExpiresIn: amount, needsLength: flag }),
});

/** Groups whose members are settings of their own, so that changing one leaves the others. */
const GROUPS = /** @type {const} */ (['maxConcurrent', 'callbacks', 'magnificShape', 'uploads']);

/**
 * @param {Settings} settings changed in place when all changes are sound
 * @param {any} changes
 * @returns {import('./contract.mjs').Breach[]}
 */
export function changeSettings(settings, changes) {
	const found = breaches(rules, changes);
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
