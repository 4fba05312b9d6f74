// Asks who is there, and is told again every two seconds; what they promised is asked for once.
import { useCallback, useEffect, useState } from "react";
import { askContracts, askServices, type Failure, failure } from "../../api/client";
import type { ContractView, ServicesPage, ServiceView } from "../../api/types";
import { useStable } from "../../parts/hooks";
import { heard, isPaused, useTopics } from "../../parts/live";

export interface Services {
  services?: ServiceView[];
  contracts: Map<string, ContractView>;
  failure?: Failure;
  refresh(): void;
}

export function useServices(): Services {
  const [services, setServices] = useState<ServiceView[]>();
  const [contracts, setContracts] = useState(new Map<string, ContractView>());
  const [trouble, setTrouble] = useState<Failure>();

  const show = useStable((page: ServicesPage) => {
    setServices(page.services);
    setTrouble(undefined);
  });
  const refresh = useCallback(() => {
    const stop = new AbortController();
    Promise.all([askServices(stop.signal), askContracts(stop.signal)]).then(
      ([page, promised]) => {
        heard(page.index);
        show(page);
        setContracts(new Map(promised.contracts.map((contract) => [contract.service, contract])));
      },
      (error) => {
        if (!stop.signal.aborted) setTrouble(failure(error));
      },
    );
    return () => stop.abort();
  }, [show]);
  useEffect(() => refresh(), [refresh]);
  useTopics(["services"], {
    services: (page) => {
      if (!isPaused()) show(page);
    },
    back: () => void refresh(),
  });
  return { services, contracts, failure: trouble, refresh: () => void refresh() };
}
