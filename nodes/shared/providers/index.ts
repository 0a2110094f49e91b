import type { ProviderName } from '../task';
import { magnific } from './magnific';
import { muleRouter } from './muleRouter';
import type { Provider } from './provider';

/** The registry: a further provider is one file and one entry here. */
export const providers: Record<ProviderName, Provider> = { magnific, muleRouter };

export function isProviderName(value: unknown): value is ProviderName {
	return typeof value === 'string' && Object.hasOwn(providers, value);
}

export type { Callback, Mode, Problem, Provider, Ticket } from './provider';
