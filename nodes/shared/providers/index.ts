import type { ProviderName } from '../task';
import { magnific } from './magnific/api';
import { muleRouter } from './muleRouter/api';
import type { Provider } from './provider';

/** The registry of what differs between the APIs. */
export const providers: Record<ProviderName, Provider> = { magnific, muleRouter };

export function isProviderName(value: unknown): value is ProviderName {
	return typeof value === 'string' && Object.hasOwn(providers, value);
}

export type { Callback, Mode, Problem, Provider, References, Ticket } from './provider';
