def headers(get_response): return get_response
def refusals(get_response): return get_response
