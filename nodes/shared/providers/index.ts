import type { Provider } from './provider';
import * as registry from './registry';

/** Every provider, in the order in which the editor lists them. */
export const allProviders: readonly Provider[] = Object.values<Provider>(registry).sort((a, b) =>
	a.label.localeCompare(b.label, 'en'),
);

/** Every provider by its name. Names that come from outside are held against `isProviderName` first. */
export const providers: Record<string, Provider> = Object.fromEntries(
	allProviders.map((provider) => [provider.name, provider]),
);

/**
 * The provider of a node whose user has not chosen one. It stays the same for ever: n8n saves no
 * parameter that has its default, so another one would send saved workflows to another provider.
 */
export const defaultProvider: Provider =
	allProviders.find(({ isDefault }) => isDefault) ?? allProviders[0];

export function isProviderName(value: unknown): value is string {
	return typeof value === 'string' && Object.hasOwn(providers, value);
}

/** @returns the labels of some providers as a text, such as "A, B and C" */
export function labelsOf(some: readonly Provider[], type: 'and' | 'or' = 'and'): string {
	const list = some.map(({ label }) => label);
	const last = list.pop() ?? '';
	return list.length === 0 ? last : `${list.join(', ')} ${type} ${last}`;
}

export type { Callback, Mode, Problem, Provider, References, Ticket } from './provider';
